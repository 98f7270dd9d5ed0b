#include "worker/dynamic/warm_up.h"

#include "worker/http/limits.h"
#include "worker/http/percent.h"
#include "worker/http/request_parser.h"

#include <cstdio>

namespace mpsup::dynamic {

namespace {

// Takes a reply and keeps its status only.
class Sink final : public perl::Reply {
public:
    Started start(int status, std::span<const http::Field>, std::optional<std::uint64_t>, bool) override {
        status_ = status;
        return Started::ok;
    }
    bool write(std::string_view) override { return true; }
    bool send_file(int, std::uint64_t, std::uint64_t) override { return true; }
    Started inform(int, std::span<const http::Field>) override { return Started::ok; }
    Connection take_connection() override { return {}; }
    [[nodiscard]] int status() const { return status_; }

private:
    int status_ = 0;
};

void complain(const std::string& target, const std::string& why) {
    std::fprintf(stderr, "mpsup: warm-up %s: %s%s", target.c_str(), why.c_str(), why.ends_with('\n') ? "" : "\n");
}

} // namespace

void warm_up(perl::Engine& engine, const std::string& target) {
    const std::string head = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mpsup-warmup\r\n\r\n";
    const http::Limits limits;
    http::RequestParser parser(limits);
    if (parser.parse(head) != http::RequestParser::Status::complete) return complain(target, "is no request target");
    http::Request request;
    parser.build(head, request);
    const auto path = http::decode_path(request.path);
    if (!path) return complain(target, "has a bad escape");
    Sink sink;
    const auto outcome = engine.call({request, *path, {}, -1, 0, "127.0.0.1", "0", "localhost", "80"}, sink);
    if (!engine.is_our_process()) engine.leave(0); // what the application forked and came back: it is no master
    (void)engine.finish_request();
    if (!engine.is_our_process()) engine.leave(0);
    if (!outcome.error.empty()) return complain(target, outcome.error);
    if (sink.status() >= 400) complain(target, "answered " + std::to_string(sink.status()));
}

} // namespace mpsup::dynamic
