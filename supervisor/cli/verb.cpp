#include "supervisor/cli/verb.h"

#include "base/fd.h"
#include "supervisor/cli/live_table.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

struct Line {
    bool is_result = false;
    int code = failed;
    std::string text;
    std::optional<ProcessNews> news;
};

std::optional<Line> parse_line(const std::string& text) {
    const json::object object = parse_object(text);
    if (object.empty()) return std::nullopt;
    Line line;
    line.is_result = text_at(object, "type") == "result";
    if (object.contains("code")) line.code = static_cast<int>(number_at(object, "code"));
    line.text = printable_lines(text_at(object, "text"));
    if (auto stage = text_at(object, "stage"); !stage.empty())
        line.news = ProcessNews{text_at(object, "worker"), static_cast<std::uint64_t>(number_at(object, "generation")),
                                static_cast<int>(number_at(object, "pid")), std::move(stage)};
    return line;
}

class Presenter {
public:
    explicit Presenter(const Context& context) : context_(context) {
        if (context.output == Output::table && !context.quiet && LiveDisplay::is_possible()) live_.emplace();
    }

    void show(const Line& line, const std::string& raw) {
        if (context_.output != Output::table) {
            if (context_.output == Output::jsonl || line.is_result) std::printf("%s\n", raw.c_str());
        } else if (line.is_result && line.code != ok) {
            std::fprintf(stderr, "mpsup: %s\n", line.text.c_str()); // whole: Perl's own message has many lines
        } else if (live_ && line.news) {
            live_->take(*line.news);
        } else if (live_ && !line.is_result) {
            live_->print(line.text);
        } else if (!context_.quiet) {
            std::printf("%s\n", line.text.c_str());
        }
        std::fflush(stdout);
    }

private:
    const Context& context_;
    std::optional<LiveDisplay> live_;
};

// By a signal that ends us while what we asked for goes on. Only what may be called in a handler.
void say_that_it_goes_on(int signal) {
    constexpr std::string_view words = "\nmpsup: interrupted; it goes on, see `mpsup status`\n";
    (void)!::write(STDERR_FILENO, words.data(), words.size());
    (void)::raise(signal); // as it ends others
}

// As long as it lives; who ignores the signal goes on ignoring it.
class Interruption {
public:
    Interruption() {
        struct sigaction ours{};
        ours.sa_handler = say_that_it_goes_on;
        ours.sa_flags = static_cast<int>(SA_RESETHAND);
        if (::sigaction(SIGINT, nullptr, &before_) == 0 && before_.sa_handler == SIG_DFL) // NOLINT: how it is read
            ::sigaction(SIGINT, &ours, nullptr);
    }
    ~Interruption() { ::sigaction(SIGINT, &before_, nullptr); }
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

private:
    struct sigaction before_{};
};

// One that the machines of a cluster make together.
bool is_of_all_machines(const std::string& path) {
    constexpr std::array<std::string_view, 4> changes{"/v1/up", "/v1/reload", "/v1/restart", "/v1/rollback"};
    return std::ranges::find(changes, path) != changes.end();
}

// It took the order, and was gone before it said how that ended.
std::string lost_while_it_worked(const ChosenSite& site, const std::string& path) {
    std::string words = nobody_answers(site);
    if (is_of_several(site) && is_of_all_machines(path))
        words += ". What was begun goes on under the lead of another machine: `mpsup status` there";
    return words;
}

} // namespace

int ask(const Context& context, const ChosenSite& site, const std::string& path, const std::string& body) {
    std::optional<int> code;
    Presenter presenter(context);
    const Interruption interruption;
    const auto reply =
        control_post(site.paths.control_socket(), path, body, context.timeout.value_or(std::chrono::milliseconds(0)),
                     [&](const std::string& raw) {
                         const auto line = parse_line(raw);
                         if (!line) return true;
                         presenter.show(*line, raw);
                         if (line->is_result) code = line->code;
                         return !context.detach || line->is_result;
                     });
    if (code) return *code;
    if (reply && context.detach) return ok;
    if (reply) return complain("the supervisor did not say how it ended: " + reply->body, failed);
    const std::error_code error = reply.error().code;
    if (error == std::errc::timed_out)
        return complain("not done within the time you gave; it goes on, see `mpsup status`", timed_out);
    if (nobody_listens(error)) return complain(nobody_answers(site), no_supervisor);
    if (error == std::errc::connection_reset) return complain(lost_while_it_worked(site, path), no_supervisor);
    return complain(reply.error().to_string(), failed);
}

bool nobody_listens(const std::error_code& error) {
    return error == std::errc::connection_refused || error == std::errc::no_such_file_or_directory;
}

void wait_until_gone(const ChosenSite& site) {
    constexpr auto patience = std::chrono::seconds(5);
    const auto lock = open_file(site.paths.lock(), O_RDWR);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (lock && ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0 && std::chrono::steady_clock::now() < deadline)
        ::poll(nullptr, 0, 2); // flock(2) has no deadline of its own
}

} // namespace mpsup::cli
