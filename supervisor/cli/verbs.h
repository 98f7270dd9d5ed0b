// Every verb: its options, and the function that carries it out and returns the exit code (context.h).
#pragma once

#include "supervisor/cli/context.h"
#include "supervisor/daemon/cluster_options.h"
#include "worker/contract/light_control.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cli {

struct UpOptions {
    std::vector<std::string> files; // what a later one says counts more
    bool foreground = false;
};
/// Makes the site what the file says: starts the supervisor when none runs.
[[nodiscard]] int run_up(const Context& context, const UpOptions& options);
/// The supervisor of a site, in this process, until it is told to stop. What `up` starts in the background.
struct SuperviseOptions {
    bool check_state = false; // only say whether this program could take over
    bool take_over = false;   // from the program that ran in this process before
    ClusterOptions cluster;   // without endpoints: it is the only one
};
[[nodiscard]] int run_supervise(const Context& context, const SuperviseOptions& options);

/// Has the running supervisor become this program, without anybody noticing. `program`: empty for the one that asks.
[[nodiscard]] int run_upgrade(const Context& context, const std::string& program);

/// Stops everything, then the supervisor.
[[nodiscard]] int run_down(const Context& context);

/// The site and its workers, a line each.
[[nodiscard]] int run_status(const Context& context);
/// The same at some moment of the past (moment.h), from what is recorded.
[[nodiscard]] int run_status_at(const Context& context, const std::string& when);
/// Every process.
[[nodiscard]] int run_workers(const Context& context);
/// How much memory all of it takes, and what another build would.
[[nodiscard]] int run_size(const Context& context);

/// Of verbs that read what lies on the disk of this machine, as a supervisor has them do for others.
struct ReaderOptions {
    bool here = false; // of this machine alone; the supervisor is not asked. With -f {"type":"live"} follows what
                       // was there
    std::optional<std::int64_t> since_ms; // goes before a `since`
};

/// How many of what happened are shown where no number is given: all `since` a moment, else the last ones.
[[nodiscard]] constexpr int usual_count(bool since) { return since ? 100'000 : 50; }

struct EventsOptions {
    std::string worker;
    std::string since;        // moment.h; empty: from the beginning
    std::optional<int> count; // of the last ones; nothing: usual_count
    bool follow = false;
    ReaderOptions reader;
};
/// What happened.
[[nodiscard]] int run_events(const Context& context, const EventsOptions& options);

struct HistoryOptions {
    std::string worker;
    std::string since;        // moment.h; empty: from the beginning
    std::optional<int> count; // of the last ones; nothing: usual_count
};
/// What was changed and what crashed.
[[nodiscard]] int run_history(const Context& context, const HistoryOptions& options);

/// What the database answers to a SELECT.
[[nodiscard]] int run_sql(const Context& context, const std::string& sql);

struct SlowOptions {
    std::string worker;
    int count = 20;
    bool top = false; // by where they were
};
/// Requests that ran for too long, and where they were then.
[[nodiscard]] int run_slow(const Context& context, const SlowOptions& options);

struct LogsOptions {
    std::vector<std::string> workers; // none: all
    std::optional<int> count;         // of the last lines of each; nothing: as many as is usual
    bool follow = false;
    bool access = false;
    std::string since;
    std::string grep;
    ReaderOptions reader;
};
/// What the workers wrote.
[[nodiscard]] int run_logs(const Context& context, const LogsOptions& options);

/// Replaces workers by new generations of the same topology. `workers`: empty for all.
[[nodiscard]] int run_scale(const Context& context, const std::vector<std::string>& orders);
[[nodiscard]] int run_restart(const Context& context, const std::vector<std::string>& workers, bool fast);
/// Reads the file of the running topology again; every worker gets a new generation.
[[nodiscard]] int run_reload(const Context& context, bool fast);
/// The generations that sleep serve again, or the topology before this one.
[[nodiscard]] int run_rollback(const Context& context, const std::vector<std::string>& workers);
/// What was given up is tried again.
[[nodiscard]] int run_reset(const Context& context, const std::vector<std::string>& workers);
/// Promote or abort, to the rollout that runs.
[[nodiscard]] int run_word(const Context& context, const std::string& path);

struct MachineOptions {
    std::string machine;
    bool wait = false;  // of drain: until nothing is in flight there
    bool force = false; // of drain: also the last machine of something that is needed
};
/// What an operator says of a machine: `word` is cordon, uncordon, drain or remove.
[[nodiscard]] int run_machine(const Context& context, const std::string& word, const MachineOptions& options);
/// The store of the cluster is the right one, though another one was known.
[[nodiscard]] int run_cluster_accept(const Context& context);

struct CacheOptions {
    std::string worker; // empty: all accelerators
    contract::Question question;
};
/// What accelerators keep, and how to be rid of it.
[[nodiscard]] int run_cache(const Context& context, const CacheOptions& options);

struct ExplainOptions {
    std::string url;
    std::string method = "GET";
    std::vector<std::string> headers; // "Name: value"
    std::string client;               // its IP address; empty: of this machine
};
/// What would become of a request.
[[nodiscard]] int run_explain(const Context& context, const ExplainOptions& options);

struct LinksOptions {
    std::vector<std::string> start;   // paths or URLs; none: "/"
    std::vector<std::string> exclude; // of paths, with `*`
    std::uint32_t max = 1000;         // URLs
};
/// Crawls the site through its public face, and says what is wrong with its links.
[[nodiscard]] int run_links_check(const Context& context, const LinksOptions& options);

struct MaintenanceOptions {
    std::string word;                 // on, off
    std::vector<std::string> workers; // none: all accelerators
};
/// Everything is answered 503 until it is set off.
[[nodiscard]] int run_maintenance(const Context& context, const MaintenanceOptions& options);

/// Checks files that make one topology and changes nothing. `strict`: what is doubtful refuses it too.
[[nodiscard]] int run_validate(const Context& context, const std::vector<std::string>& files, bool strict);
/// The topology language as a JSON Schema.
[[nodiscard]] int run_schema();
/// The topology with includes, variables and defaults in their places; `with_origin`: and where each value was written.
[[nodiscard]] int run_config(const Context& context, const std::vector<std::string>& files, bool with_origin);
/// What `up` would change, in the order of its steps.
[[nodiscard]] int run_plan(const Context& context, const std::vector<std::string>& files);

[[nodiscard]] int run_version(const Context& context);

} // namespace mpsup::cli
