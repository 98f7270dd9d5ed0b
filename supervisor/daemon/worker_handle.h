// The shell around core::Worker: its processes, sockets, timers and probes. Does what the core decides, and tells the
// core what happened.
#pragma once

#include "base/memfd.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/core/adoption.h"
#include "supervisor/core/worker.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/generation_handle.h"
#include "supervisor/daemon/history.h"
#include "supervisor/daemon/listeners.h"
#include "supervisor/daemon/record_pace.h"
#include "supervisor/daemon/spec_rules.h"
#include "supervisor/health/probe.h"
#include "supervisor/process/commands.h"
#include "supervisor/process/spawner.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/messages.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

struct Returned;
class HookRunner;
class LogFiles;
struct HookEvent;

/// What an operator says to the rollout that runs.
struct RolloutControl {
    std::string worker; // that rolls; empty: none
    std::string doing;  // a sentence for people
    bool promote = false;
    bool abort = false;
};

/// What every worker's handle works with. Outlives the handles.
struct Surroundings {
    boost::asio::any_io_executor executor;
    const SitePaths& paths;
    Spawner& spawner;
    Probe& probe;
    History& history;
    std::string binaries;                    // folder of the workers' programs
    std::string boot;                        // base/process_identity.h, boot_id
    std::map<std::string, std::string> urls; // what every worker is told of the others
    topology::Binaries build = topology::Binaries::two;
    std::mt19937_64 chance;
    Bell changed;             // rings whenever something about a worker may have changed
    LogFiles* logs = nullptr; // nothing: files are opened where they should be, and stay
    RolloutControl rollout{};
    const Commands* commands = nullptr;      // whose processes are not ours to reap
    HookRunner* hooks = nullptr;             // nothing: none are called
    std::function<void()> look_at_sockets{}; // of the site: somebody may have taken them away; nothing: they stay
    std::map<std::string, contract::Links> links{}; // what each worker, by its name, is told of links to the others
    std::string servers{};                          // and what dynamic ones are, in their environment
    /// Backends that get nothing new (contract::Backends); nothing: nobody has said so yet, and those of before count.
    std::optional<std::vector<std::string>> backends_out{};
    std::string machine = "here"; // this one
};

/// How a successor is brought in.
struct Preparation {
    std::optional<int> children{}; // fewer than the spec says, to begin with
    bool in_haste = false;         // one probe is enough
};

struct HealthView {
    std::optional<bool> passed;
    std::chrono::milliseconds latency{0};
    std::int64_t checked_ms = 0; // wall clock
    std::string why;
};

/// One worker. One event loop; owned by Site. Coroutines it starts keep it alive and end soon after close().
class WorkerHandle : public std::enable_shared_from_this<WorkerHandle> {
public:
    WorkerHandle(Surroundings& around, topology::WorkerSpec spec, core::GenerationNumber last_generation);
    ~WorkerHandle();
    WorkerHandle(const WorkerHandle&) = delete;
    WorkerHandle& operator=(const WorkerHandle&) = delete;

    // Orders (core/worker.h says what they mean). `spec` and `listeners` are for what is spawned from here on.
    core::GenerationNumber start(std::vector<Listener> listeners, bool hold);
    core::GenerationNumber prepare(topology::WorkerSpec spec, std::vector<Listener> listeners, Preparation how = {});
    void admit(core::GenerationNumber number);
    void admit_beside(core::GenerationNumber number);
    /// What was replaced sleeps only if it could serve again as things are: it listens on nothing that the new one does
    /// not, is of the same program, and was told the same of the other workers.
    void serve_alone(core::GenerationNumber number, bool keeps_old = true);
    void take_back(core::GenerationNumber number);
    void wake(core::GenerationNumber number);
    /// So many children for one generation of the pool, while others have theirs; nothing: as its spec says.
    void size_generation(core::GenerationNumber number, std::optional<int> children);
    /// Clients go to other generations first, while those have idle children.
    void offer_clients_last(core::GenerationNumber number);
    /// What they counted so far is forgotten.
    void begin_counting(core::GenerationNumber number);
    /// Looks at what the children of a generation have counted; see TrafficCounter.
    void count_traffic(core::GenerationNumber number, std::uint64_t skip_first);
    /// What count_traffic has seen so far.
    [[nodiscard]] core::Tally tally(core::GenerationNumber number) const;
    /// An example of what one of its children answered with 5xx: "GET /: answered 500: text". Empty: there is none.
    [[nodiscard]] std::string failure_of(core::GenerationNumber number) const;
    /// Bytes that one of its children has of its own, on average of those that say so; 0: none does.
    [[nodiscard]] std::uint64_t memory_of_child(core::GenerationNumber number) const;
    void abandon(core::GenerationNumber number);
    void stop();
    void reset();
    /// Another size for the pool that runs, and for what comes after it.
    void resize(topology::Pool pool);
    /// SIGKILL to every process of it.
    void kill();
    /// Retires whatever is on its way: the operation that brings it in is interrupted and sees that it fails.
    void give_up_newcomers();
    /// What is spawned from here on is of this spec: an operation that prepared another one was abandoned.
    void set_spec(topology::CopyOnWrite<topology::WorkerSpec> spec, std::vector<Listener> listeners);
    /// Moves log files away that are due and tells whoever writes to them. `anew`: they are opened in any case.
    void look_at_logs(bool anew);
    /// How it is rolled from here on; nothing that runs changes.
    void set_rolling(const topology::Rolling& rolling);
    void set_dependencies(const std::map<std::string, std::string>& depends_on);
    /// What is called from here on. Also when those of the site have changed.
    void set_hooks(const topology::Hooks& hooks);
    /// What is spawned from here on is as this generation is. False: it is not known how that was.
    bool become_as(core::GenerationNumber number);
    /// It is not needed any more: its coroutines end. No process of it is left.
    void close();

    // News from the contract server and the reaper
    /// A process said hello. False: it is none that this worker expects.
    [[nodiscard]] bool greet(const contract::Hello& hello, Fd& connection, const std::vector<Fd>& fds = {});
    /// Reaps what has ended among the processes it knows.
    void reap();
    [[nodiscard]] bool knows(pid_t pid) const;
    /// A process of it is stopped (state T). It is killed if it stays so.
    void on_stopped(pid_t pid);

    // Adoption (worker_adoption.cpp): before anything is ordered
    /// A process that an earlier supervisor started, and whose identity was checked.
    void adopt(Returned returned, Fd connection);
    /// A child of a pool that may be announced by its master: it keeps its name in the history.
    void expect_child(const core::RecordedProcess& record, std::int64_t started_ms);
    /// A child that lives, and of which neither a master nor itself has said anything: it may be busy.
    void adopt_silent_child(const core::RecordedProcess& record, Pidfd pidfd, std::int64_t started_ms);
    void continue_counts(int crashes, int planned_restarts);
    [[nodiscard]] bool has_master(core::GenerationNumber number) const;
    [[nodiscard]] bool is_announced(const core::RecordedProcess& child) const;
    /// All of it that lives is known.
    void resume(bool is_wanted);
    /// What serves listens elsewhere than its spec says, because a conversion was interrupted: a successor takes its place.
    void replace_if_misplaced();
    /// One that came after that.
    void settle(core::GenerationNumber number);

    // What it is asked while it serves (worker_asking.cpp); all but in_flight of light workers alone
    /// What the generation that serves answers to a question (contract/light_control.h), at most some seconds later.
    [[nodiscard]] boost::asio::awaitable<Result<std::string>> ask(std::string question);
    /// Requests that its generations have in hand, those that drain included. An error when one of them does not say. Of a
    /// pool: those that its children run.
    [[nodiscard]] boost::asio::awaitable<Result<std::uint64_t>> in_flight();
    /// Tells its generations of Surroundings::backends_out, if it is an accelerator. Those to come are told by themselves.
    void tell_backends_out();
    /// Everything is answered 503, also by what comes after it, until it is set off.
    [[nodiscard]] Result<> set_maintenance(bool on);
    [[nodiscard]] bool is_in_maintenance() const;

    // Questions
    [[nodiscard]] const core::Worker& core() const { return core_; }
    [[nodiscard]] const topology::WorkerSpec& spec() const { return *spec_; }
    /// The name of this machine.
    [[nodiscard]] const std::string& machine() const { return around_.machine; }
    [[nodiscard]] const topology::CopyOnWrite<topology::WorkerSpec>& shared_spec() const { return spec_; }
    [[nodiscard]] std::vector<Endpoint> endpoints() const { return endpoints_of(*spec_, around_.paths); }
    [[nodiscard]] const std::vector<Listener>& listeners() const { return listeners_; }
    [[nodiscard]] const std::vector<std::unique_ptr<GenerationHandle>>& generations() const { return generations_; }
    [[nodiscard]] const HealthView& health() const { return health_; }
    /// What became of pages whose links are rewritten, by PageFate, since this supervisor knows the worker: processes that have
    /// ended included. Reads scoreboards.
    [[nodiscard]] contract::PageCounts pages() const;

private:
    void act(); // does what the core wants done, and arms the timer
    void perform(const core::Effect& effect);
    void arm_timer();
    void drop_gone_generations();
    /// Who else writes to the worker's log? One that sleeps writes nothing.
    [[nodiscard]] bool is_alone(const GenerationHandle& generation) const;
    void record_state();
    /// Should it wait? Then it comes later by itself.
    [[nodiscard]] bool puts_off_record();
    [[nodiscard]] GenerationHandle* find(core::GenerationNumber number);
    [[nodiscard]] const GenerationHandle* find(core::GenerationNumber number) const;
    [[nodiscard]] double roll_dice();

    // worker_launch.cpp: from intent to go
    boost::asio::awaitable<void> launch(core::GenerationNumber number);
    [[nodiscard]] Result<> open_private_listener(GenerationHandle& generation);
    [[nodiscard]] Result<> spawn_process(GenerationHandle& generation);
    [[nodiscard]] state::ProcessRow row_of(const GenerationHandle& generation, const ServingProcess& process,
                                           state::ProcessRole role) const;
    void record_start(const GenerationHandle& generation, const ServingProcess& process, state::ProcessRole role);
    boost::asio::awaitable<void> record_intent(state::ProcessRow row);
    /// An error that names the variable where a secret cannot be read.
    [[nodiscard]] Result<std::vector<std::string>> environment_of(const GenerationHandle& generation) const;
    [[nodiscard]] ToldOfOthers told_of_others() const; // what is spawned from here on
    /// In place of that generation, as things are?
    [[nodiscard]] bool could_serve_again(const GenerationHandle& generation, core::GenerationNumber instead_of) const;
    void send_go(GenerationHandle& generation);
    [[nodiscard]] boost::asio::awaitable<Result<std::string>> ask(core::GenerationNumber number, std::string question);
    [[nodiscard]] Result<std::uint64_t> busy_children() const;
    void on_answer(const GenerationHandle& generation, contract::Answer answer);
    void send_backends_out(GenerationHandle& generation);
    [[nodiscard]] int cache_for(const topology::WorkerSpec& spec); // -1: it has none
    void adopt_cache(Fd cache);
    void send_drain(GenerationHandle& generation);
    [[nodiscard]] core::WorkerRules rules() const; // rules_of, with the time that hooks may take
    boost::asio::awaitable<void> drain_after_hooks(core::GenerationNumber number);
    [[nodiscard]] Fd open_log(const std::string& path) const;
    void give_logs(ContractLink& link) const;
    void send_size(GenerationHandle& generation, const contract::PoolSize& size);
    void kill_all(GenerationHandle& generation);
    [[nodiscard]] const Pidfd* pidfd_of(core::GenerationNumber number, pid_t pid) const;
    boost::asio::awaitable<void> watch_exit(core::GenerationNumber number, pid_t pid);
    boost::asio::awaitable<void> watch_released(core::GenerationNumber number, pid_t pid);
    [[nodiscard]] boost::asio::awaitable<bool> wait_for_end(core::GenerationNumber number, pid_t pid);

    // `sender`: the process that said it.
    [[nodiscard]] std::shared_ptr<ContractLink> make_link(core::GenerationNumber number, pid_t sender, Fd connection);
    void on_message(core::GenerationNumber number, pid_t sender, contract::Message message, std::vector<Fd> fds);
    void on_ready(GenerationHandle& generation, pid_t sender, std::vector<Fd> fds);
    void on_child_started(GenerationHandle& generation, pid_t sender, const contract::ChildStarted& child,
                          std::vector<Fd> fds);
    void on_child_slow(GenerationHandle& generation, pid_t pid);
    void on_code_drift(const GenerationHandle& generation, const contract::CodeDrift& drift);
    void greet_child(GenerationHandle& generation, ServingProcess& child, contract::Stage stage, Fd& connection);
    void promote(GenerationHandle& generation, pid_t pid);
    void crown(GenerationHandle& generation, pid_t pid);
    void dismiss_orphans(GenerationHandle& generation);
    void end_predecessors(const GenerationHandle& generation);
    [[nodiscard]] boost::asio::awaitable<void> end_after_grace(core::GenerationNumber number, std::vector<pid_t> pids);
    void on_child_exited(GenerationHandle& generation, const contract::ChildExited& child);
    void distrust(GenerationHandle& generation, const std::string& why);
    void end_child(GenerationHandle& generation, pid_t pid, ExitStatus status, bool planned, std::string reason);
    void on_process_exit(GenerationHandle& generation, ExitStatus status);
    void watch(GenerationHandle& generation, ServingProcess& process);
    void reap_generation(GenerationHandle& generation);

    [[nodiscard]] GenerationHandle& generation_of(const core::RecordedProcess& process, core::Phase phase);
    void adopt_process(Returned returned, Fd connection);
    void adopt_child(Returned returned, Fd connection);

    // worker_health.cpp
    boost::asio::awaitable<void> keep_gate(core::GenerationNumber number);
    void begin_probing();
    [[nodiscard]] bool asks_for_liveness(); // of the generation that serves
    void begin_liveness();                  // if it asks for it
    boost::asio::awaitable<void> keep_health();
    boost::asio::awaitable<void> keep_liveness();
    /// A pool on demand without a child; a probe would wake it up.
    [[nodiscard]] bool is_asleep(const GenerationHandle& generation) const;
    [[nodiscard]] Result<ProbeTarget> probe_target(const GenerationHandle& generation,
                                                   const topology::ProbeSpec& how) const;
    void sample_processes(GenerationHandle& generation);
    boost::asio::awaitable<void> judge_stopped(pid_t pid);
    /// Not asked when the environment of its program cannot be made, a secret of it being out of reach: the log says so once.
    /// Such a one is not let in, but one that serves is not judged by it.
    [[nodiscard]] boost::asio::awaitable<ProbeResult> probe(const GenerationHandle& generation,
                                                            const topology::ProbeSpec& how);

    Surroundings& around_;
    topology::CopyOnWrite<topology::WorkerSpec> spec_;
    std::vector<Listener> listeners_;
    core::Worker core_;
    std::vector<std::unique_ptr<GenerationHandle>> generations_;
    HealthView health_;
    std::string no_question_;           // why the last exec probe could not be made; empty: it could
    contract::PageCounts past_pages_{}; // of processes that have ended
    std::string recorded_;              // what record_state wrote last, without its numbers that change all the time
    RecordPace record_pace_;
    boost::asio::steady_timer record_timer_;
    boost::asio::steady_timer timer_;
    Bell health_bell_;                  // rings when the health loop should look again before its time
    core::GenerationNumber probed_ = 0; // the generation that was probed last
    bool probes_ = false;               // keep_health() runs
    bool keeps_liveness_ = false;       // keep_liveness() runs
    struct ExpectedChild {
        core::RecordedProcess record;
        std::int64_t started_ms = 0;
        bool announced = false; // it may be a master, or gone, by now
    };
    std::map<pid_t, ExpectedChild> expected_children_; // while an earlier supervisor's processes are taken over
    std::set<pid_t> stopped_;                          // that are being judged
    std::optional<int> first_size_;                    // of what is being spawned
    struct Question {
        explicit Question(const boost::asio::any_io_executor& executor) : bell(executor) {}
        core::GenerationNumber generation = 0; // that was asked
        std::optional<std::string> answer;
        Bell bell;
    };
    std::map<std::uint64_t, std::shared_ptr<Question>> questions_;
    std::uint64_t last_question_ = 0;
    Fd cache_; // of an accelerator; outlives its processes
    bool acting_ = false;
    bool closed_ = false;
};

} // namespace mpsup
