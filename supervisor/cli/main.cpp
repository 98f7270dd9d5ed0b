// mpsup: the command line. Parses, and hands over to a verb.
#include "base/units.h"
#include "supervisor/cli/context.h"
#include "supervisor/cli/verbs.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>

namespace mpsup::cli {

namespace {

const char* const exit_codes = R"(exit codes: 0 done, 1 failed, 2 usage, 3 something is not running,
4 no supervisor, 5 unhealthy, 6 gate failed and the old one kept,
8 another change runs, 9 not done in time, 78 bad topology)";

// "30s" and its like; CLI11 prints the text when it is not empty.
std::string check_duration(const std::string& text) {
    return parse_duration(text) ? std::string() : text + " is no duration: for example 500ms, 30s, 5m";
}

class CommandLine {
public:
    CommandLine() {
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.footer(exit_codes);
        app_.add_option("--state-dir", context_.state_dir, "where sites keep what lasts");
        app_.add_option("--run-dir", context_.run_dir, "where sites keep their sockets");
        app_.add_option("--site", context_.site, "which site; not needed while one runs");
        app_.add_option("-o,--output", output_, "table, json or jsonl")
            ->check(CLI::IsMember({"table", "json", "jsonl"}))
            ->option_text("FORMAT");
        app_.add_flag("-q,--quiet", context_.quiet, "print nothing but errors");
        app_.add_option("--timeout", timeout_, "how long to wait for verbs that change something")
            ->check(check_duration);
        add_changing_verbs();
        add_asking_verbs();
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            const int code = app_.exit(error); // prints help or the complaint
            return code == 0 ? ok : usage;
        }
        if (!timeout_.empty()) context_.timeout = parse_duration(timeout_);
        if (output_ != "table") context_.output = output_ == "json" ? Output::json : Output::jsonl;
        return verb_();
    }

private:
    CLI::App* verb(const char* name, const char* help, std::function<int()> run) {
        CLI::App* sub = app_.add_subcommand(name, help);
        sub->callback([this, run = std::move(run)] { verb_ = run; });
        return sub;
    }

    void add_changing_verbs() {
        CLI::App* up = verb("up", "make the site what a topology file says", [this] { return run_up(context_, up_); });
        up->add_option("file", up_.file, "topology file")->required();
        up->add_flag("--foreground", up_.foreground, "stay: for systemd, containers and debugging");
        up->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        verb("down", "stop the site, every worker finishing what it serves", [this] { return run_down(context_); });
        CLI::App* restart = verb("restart", "replace workers by fresh ones of the same topology, nothing lost",
                                 [this] { return run_restart(context_, restart_); });
        restart->add_option("worker", restart_, "which; all by default");
        restart->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        CLI::App* scale = verb("scale", "another size for pools that run, until the next up",
                               [this] { return run_scale(context_, scale_); });
        scale->add_option("order", scale_, "WORKER=6, WORKER=+2, WORKER=-1")->required();
        scale->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        CLI::App* upgrade = verb("upgrade", "have the running supervisor become this program; nobody notices",
                                 [this] { return run_upgrade(context_, program_); });
        upgrade->add_option("program", program_, "another mpsup than the one you call");
        CLI::App* supervise = verb("supervise", "", [this] { return run_supervise(context_, supervise_); });
        supervise->group(""); // what `up` starts
        supervise->add_flag("--check-state", supervise_.check_state);
        supervise->add_flag("--take-over", supervise_.take_over);
    }

    void add_asking_verbs() {
        verb("status", "the site and its workers", [this] { return run_status(context_); });
        verb("workers", "every process: what it does, how much memory it holds",
             [this] { return run_workers(context_); });
        verb("size", "the memory of every process, and what the builds cost", [this] { return run_size(context_); });
        CLI::App* events = verb("events", "what happened", [this] { return run_events(context_, events_); });
        events->add_option("worker", events_.worker, "of this worker only");
        events->add_option("-n,--lines", events_.count, "how many of the last ones")->check(CLI::Range(1, 100000));
        events->add_flag("-f,--follow", events_.follow, "and what happens from here on");
        CLI::App* slow = verb("slow", "requests that ran for too long, and where they were then",
                              [this] { return run_slow(context_, slow_); });
        slow->add_option("worker", slow_.worker, "of this worker only");
        slow->add_option("-n,--lines", slow_.count, "how many: the last ones, or with --top places")
            ->check(CLI::Range(1, 100000));
        slow->add_flag("--top", slow_.top, "counted by where they were, the most first");
        CLI::App* logs = verb("logs", "what the workers wrote", [this] { return run_logs(context_, logs_); });
        logs->add_option("worker,--worker", logs_.workers, "of these workers only; `supervisor` is one too");
        logs->add_option("-n,--lines", logs_.count,
                         "how many of the last lines of each; 50, with --since or --grep all")
            ->check(CLI::Range(0, 1000000));
        logs->add_option("--since", logs_.since,
                         "what was written since then: 2h, 03:12, 2026-01-31, \"2026-01-31 03:12\"");
        logs->add_option("--grep", logs_.grep, "lines that an extended regular expression matches");
        logs->add_flag("-f,--follow", logs_.follow, "and what they write from here on");
        logs->add_flag("--access", logs_.access, "the access logs");
        CLI::App* validate = verb("validate", "check a topology file, change nothing",
                                  [this] { return run_validate(context_, validate_); });
        validate->add_option("file", validate_, "topology file")->required();
        verb("version", "of this program", [this] { return run_version(context_); });
    }

    CLI::App app_{"mpsup runs Perl web sites: light servers for files, heavy ones for Perl, one file for both.",
                  "mpsup"};
    Context context_;
    std::string timeout_;
    std::string output_ = "table";
    UpOptions up_;
    SuperviseOptions supervise_;
    std::string program_;
    EventsOptions events_;
    SlowOptions slow_;
    LogsOptions logs_;
    std::vector<std::string> restart_;
    std::vector<std::string> scale_;
    std::string validate_;
    std::function<int()> verb_;
};

} // namespace

} // namespace mpsup::cli

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_DFL); // `mpsup logs -f | head` ends with head
    return mpsup::cli::CommandLine().run(argc, argv);
}
