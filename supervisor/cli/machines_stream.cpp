#include "supervisor/cli/machines_stream.h"

#include "supervisor/cli/members.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/control/client.h"
#include "supervisor/control/resume_point.h"

#include <boost/json.hpp>

#include <chrono>
#include <poll.h>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds silence{0}; // a supervisor says something every half second
constexpr auto successor_patience = std::chrono::seconds(5);
constexpr int look_again_ms = 200;

class Stream {
public:
    Stream(const ChosenSite& site, ApiTarget target, const std::function<void(const json::object&)>& on_line)
        : site_(site), target_(std::move(target)), on_line_(on_line) {}

    StreamEnd read() {
        auto deadline = Clock::now();
        for (;;) {
            const auto reply = control_stream(site_.paths.control_socket(), target_.to_string(), silence,
                                              [&](const std::string& line) {
                                                  deadline = Clock::now() + successor_patience;
                                                  take(parse_object(line));
                                                  return true;
                                              });
            if (reply && reply->status != 200) return {complain(why_of(*reply), usage), end_.silent};
            if (!target_.has("follow"))
                return reply ? end_ : StreamEnd{complain(reply.error().to_string(), failed), {}};
            if (Clock::now() >= deadline) return {complain(nobody_answers(site_), no_supervisor), end_.silent};
            go_on();
        }
    }

private:
    static std::string why_of(const ControlReply& reply) {
        const std::string error = text_at(parse_object(reply.body), "error");
        return error.empty() ? "the supervisor answered " + std::to_string(reply.status) : printable(error);
    }

    void take(const json::object& line) {
        const std::string type = text_at(line, "type");
        if (type == "trouble") {
            SilentMachine silent{printable_at(line, "machine"), printable_at(line, "why")};
            end_.code = complain(silent.name + " does not answer: " + silent.why, failed);
            end_.silent.push_back(std::move(silent));
        } else if (type == "nothing") {
            end_.code = complain(printable_at(line, "why"), failed);
        } else if (type.empty() && !line.empty()) {
            if (told_.take(number_at(line, "at_ms"), json::serialize(line))) on_line_(line);
        }
    }

    void go_on() {
        ::poll(nullptr, 0, look_again_ms); // a new supervisor opens its socket without telling
        told_.interrupt();
        const auto since_ms = told_.since_ms();
        if (!since_ms) return;
        target_.values.erase("lines");
        target_.values["since_ms"] = std::to_string(*since_ms);
    }

    const ChosenSite& site_;
    ApiTarget target_;
    const std::function<void(const json::object&)>& on_line_;
    ResumePoint told_;
    StreamEnd end_;
};

} // namespace

StreamEnd read_machines(const ChosenSite& site, ApiTarget target,
                        const std::function<void(const json::object& line)>& on_line) {
    return Stream(site, std::move(target), on_line).read();
}

void add_silent(json::object& document, const std::vector<SilentMachine>& silent) {
    if (silent.empty()) return;
    json::array list;
    for (const SilentMachine& machine : silent)
        list.push_back(json::object{{"machine", machine.name}, {"why", machine.why}});
    document["silent"] = std::move(list);
}

} // namespace mpsup::cli
