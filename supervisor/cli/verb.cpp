#include "supervisor/cli/verb.h"

#include "base/fd.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/file.h>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

struct Line {
    bool is_result = false;
    int code = failed;
    std::string text;
};

std::optional<Line> parse_line(const std::string& text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return std::nullopt;
    Line line;
    const json::object& object = value.as_object();
    if (const json::value* type = object.if_contains("type"); type && type->is_string())
        line.is_result = type->as_string() == "result";
    if (const json::value* code = object.if_contains("code"); code && code->is_int64())
        line.code = static_cast<int>(code->as_int64());
    if (const json::value* message = object.if_contains("text"); message && message->is_string())
        line.text = message->as_string();
    return line;
}

void show(const Context& context, const Line& line, const std::string& raw) {
    if (context.output == Output::jsonl || (context.output == Output::json && line.is_result)) {
        std::printf("%s\n", raw.c_str());
    } else if (context.output == Output::table && line.is_result && line.code != ok) {
        std::fprintf(stderr, "mpsup: %s\n", line.text.c_str()); // whole: Perl's own message has many lines
    } else if (context.output == Output::table && !context.quiet) {
        std::printf("%s\n", line.text.c_str());
    }
    std::fflush(stdout);
}

} // namespace

int ask(const Context& context, const ChosenSite& site, const std::string& path, const std::string& body) {
    std::optional<int> code;
    const auto reply =
        control_post(site.paths.control_socket(), path, body, context.timeout.value_or(std::chrono::milliseconds(0)),
                     [&](const std::string& raw) {
                         const auto line = parse_line(raw);
                         if (!line) return true;
                         show(context, *line, raw);
                         if (line->is_result) code = line->code;
                         return !context.detach || line->is_result;
                     });
    if (code) return *code;
    if (reply && context.detach) return ok;
    if (reply) return complain("the supervisor did not say how it ended: " + reply->body, failed);
    const int error = reply.error().code.value();
    if (error == ETIMEDOUT)
        return complain("not done within the time you gave; it goes on, see `mpsup status`", timed_out);
    if (error == ECONNREFUSED || error == ENOENT)
        return complain("no supervisor runs for site " + site.name, no_supervisor);
    return complain(reply.error().to_string(), failed);
}

void wait_until_gone(const ChosenSite& site) {
    constexpr auto patience = std::chrono::seconds(5);
    const auto lock = open_file(site.paths.lock(), O_RDWR);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (lock && ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0 && std::chrono::steady_clock::now() < deadline)
        ::poll(nullptr, 0, 2); // flock(2) has no deadline of its own
}

} // namespace mpsup::cli
