#include "base/joined.h"
#include "supervisor/cli/follow.h"
#include "supervisor/cli/log_series.h"
#include "supervisor/cli/machines_stream.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/reach.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <set>

namespace mpsup::cli {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr auto elsewhere =
    ": one that `mpsup supervise` or `up --foreground` started writes to its standard error, which under "
    "systemd is in the journal (journalctl -u mpsup@SITE)";

// Which lines are wanted.
struct Wanted {
    std::optional<std::int64_t> since_ms;
    std::optional<LinePattern> pattern;
    std::optional<int> tail;

    [[nodiscard]] bool takes(const LogLine& line) const {
        return (!since_ms || line.at_ms >= *since_ms) && (!pattern || pattern->matches(line.text));
    }
};

// Lines of one log that are wanted; with a tail the last ones of those that are there.
class Source {
public:
    Source(LogSeries series, const Wanted& wanted) : series_(std::move(series)), wanted_(wanted) {
        series_.begin(wanted.since_ms, wanted.pattern ? std::nullopt : wanted.tail);
        if (!wanted.tail) return;
        while (auto line = next_wanted()) {
            kept_.push_back(std::move(*line));
            if (kept_.size() > static_cast<std::size_t>(*wanted.tail)) kept_.pop_front();
        }
    }

    [[nodiscard]] const std::string& name() const { return series_.name(); }

    std::optional<LogLine> next() {
        if (kept_.empty()) return next_wanted();
        LogLine line = std::move(kept_.front());
        kept_.pop_front();
        return line;
    }
    void look_again() { series_.look_again(); }

private:
    std::optional<LogLine> next_wanted() {
        auto line = series_.next();
        while (line && !wanted_.takes(*line)) line = series_.next();
        return line;
    }

    LogSeries series_;
    const Wanted& wanted_;
    std::deque<LogLine> kept_;
};

class Printer {
public:
    Printer(Output output, bool names) : output_(output), names_(names) {
        if (output_ == Output::json) std::printf(R"({"version":1,"lines":[)");
    }
    void print(const std::string& worker, const LogLine& line) {
        if (output_ == Output::table) {
            std::printf("%s%s%s\n", names_ ? worker.c_str() : "", names_ ? " | " : "", printable(line.text).c_str());
            return;
        }
        print(json::serialize(json::object{{"at_ms", line.at_ms}, {"worker", worker}, {"line", printable(line.text)}}));
    }
    // Of one of several machines.
    void print(const json::object& line) {
        if (output_ == Output::table) {
            const std::string from = printable_at(line, "machine") + " " + printable_at(line, "worker");
            std::printf("%s | %s\n", from.c_str(), printable_at(line, "line").c_str());
        } else {
            print(json::serialize(line));
        }
        std::fflush(stdout);
    }
    void end(const std::vector<SilentMachine>& silent = {}) {
        if (output_ == Output::json) {
            json::object rest;
            add_silent(rest, silent);
            const std::string more = json::serialize(rest);
            std::printf("]%s%s\n", rest.empty() ? "" : ",", more.c_str() + 1);
        }
        std::fflush(stdout);
    }

private:
    void print(const std::string& object) {
        const char* separator = output_ == Output::jsonl ? "" : std::exchange(separator_, ",");
        std::printf("%s%s%s", separator, object.c_str(), output_ == Output::jsonl ? "\n" : "");
    }

    Output output_;
    bool names_;
    const char* separator_ = "";
};

// Everything that is there, in the order of time.
void print_merged(std::deque<Source>& sources, Printer& printer) {
    std::vector<std::optional<LogLine>> heads;
    for (Source& source : sources) heads.push_back(source.next());
    for (;;) {
        const LogLine* earliest = nullptr;
        std::size_t of = 0;
        for (std::size_t i = 0; i < heads.size(); ++i)
            if (const auto& head = heads[i]; head && (!earliest || head->at_ms < earliest->at_ms)) {
                earliest = &*head;
                of = i;
            }
        if (!earliest) return;
        printer.print(sources[of].name(), *earliest);
        heads[of] = sources[of].next();
    }
}

// Names of the logs of a kind: of files that are there, or were moved away.
std::set<std::string> logs_in(const std::string& folder, bool access) {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        std::string file = entry.path().filename().string();
        if (const auto end = file.rfind(".log."); end != std::string::npos) file.resize(end + 4);
        if (!file.ends_with(".log")) continue;
        file.resize(file.size() - 4);
        if (file.ends_with(".access") != access) continue;
        names.insert(access ? file.substr(0, file.size() - 7) : file);
    }
    return names;
}

Result<Wanted> wanted_of(const LogsOptions& options) {
    Wanted wanted;
    wanted.since_ms = options.reader.since_ms;
    if (!wanted.since_ms && !options.since.empty()) {
        wanted.since_ms = parse_moment(options.since, now_ms());
        if (!wanted.since_ms) return failure(options.since + " is no time: for example 2h, 03:12, 2026-01-31");
    }
    if (!options.grep.empty()) {
        wanted.pattern = LinePattern::compile(options.grep);
        if (!wanted.pattern) return failure(options.grep + " is no extended regular expression");
    }
    wanted.tail = options.count;
    if (!wanted.tail && !wanted.since_ms && !wanted.pattern) wanted.tail = usual_count(false);
    return wanted;
}

int logs_of_machines(const Context& context, const ChosenSite& site, const LogsOptions& options, const Wanted& wanted,
                     const std::string& machines) {
    ApiTarget target{"/v1/logs", {{"machines", machines}}};
    if (!options.workers.empty()) target.values["workers"] = joined(options.workers, ",");
    if (wanted.tail) target.values["lines"] = std::to_string(*wanted.tail);
    if (wanted.since_ms) target.values["since_ms"] = std::to_string(*wanted.since_ms);
    if (!options.grep.empty()) target.values["grep"] = options.grep;
    if (options.access) target.values["access"] = "1";
    if (options.follow) target.values["follow"] = "1";
    Printer printer(context.output, true);
    const StreamEnd end =
        read_machines(site, std::move(target), [&](const json::object& line) { printer.print(line); });
    printer.end(end.silent);
    return end.code;
}

// For a supervisor that reads our lines another machine may have what this one has not.
int tell_nothing(const LogsOptions& options, const std::string& why) {
    if (!options.reader.here) return complain(why, failed);
    std::printf("%s\n", json::serialize(json::object{{"type", "nothing"}, {"why", why}}).c_str());
    return ok;
}

} // namespace

int run_logs(const Context& context, const LogsOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto wanted = wanted_of(options);
    if (!wanted) return complain(wanted.error().what, usage);
    if (options.follow && context.output == Output::json)
        return complain("-f has no end, and so no JSON document: use -o jsonl", usage);
    if (!options.reader.here) {
        const auto machines = reach_of(context, *site);
        if (!machines) return machines.error();
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): it was asked just now
        if (*machines) return logs_of_machines(context, *site, options, *wanted, machines->value());
    }
    const auto present = logs_in(site->paths.logs(), options.access);
    auto names = options.workers.empty() ? present : std::set(options.workers.begin(), options.workers.end());
    if (names.empty()) return tell_nothing(options, "nothing was logged yet");
    std::string missing;
    for (const std::string& name : names)
        if (!present.contains(name)) missing = missing.empty() ? name : missing;
    if (options.reader.here) std::erase_if(names, [&](const std::string& name) { return !present.contains(name); });
    if (names.empty() || (!missing.empty() && !options.reader.here))
        return tell_nothing(options, "there is no log of " + missing + (missing == "supervisor" ? elsewhere : ""));
    std::deque<Source> sources;
    for (const std::string& name : names)
        sources.emplace_back(
            LogSeries(name, options.access ? site->paths.access_log(name) : site->paths.worker_log(name)), *wanted);
    Printer printer(context.output, names.size() > 1);
    print_merged(sources, printer);
    printer.end();
    if (!options.follow) return ok;
    if (options.reader.here) tell_live();
    auto watch = FolderWatch::open(site->paths.logs());
    if (!watch) return complain(watch.error().to_string(), failed);
    for (;;) {
        bool any = false;
        for (Source& source : sources) {
            source.look_again();
            for (auto line = source.next(); line; line = source.next(), any = true) printer.print(source.name(), *line);
        }
        std::fflush(stdout);
        if (!any && !watch->wait()) return ok;
    }
}

} // namespace mpsup::cli
