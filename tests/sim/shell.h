// The shell of the core, on a simulated machine: what supervisor/daemon does with the core's effects, news and adoption, step by
// step and in the same order, so that it can be killed between any two. Names are those of the daemon.
#pragma once

#include "supervisor/core/adoption.h"
#include "supervisor/core/worker.h"
#include "tests/sim/bug.h"
#include "tests/sim/machine.h"
#include "tests/sim/oracle.h"
#include "tests/sim/roll.h"

#include <memory>
#include <optional>
#include <set>

namespace mpsup::sim {

/// SIGKILL, between two steps.
struct Killed {};

/// What outlives a supervisor in the simulation only: counters.
struct Numbers {
    Uuid last_uuid = 0;
    int last_supervisor = 0;
    int steps_to_live = -1; // of the supervisor that runs; negative: no end in sight
};

struct Site {
    Machine& machine;
    Oracle& oracle;
    Numbers& numbers;
    Bug bug;
    std::vector<core::WorkerRules> rules; // of each worker
};

struct Serving {
    ProcessId process = nobody;
    Uuid uuid = 0;
    int link = -1;
    ProcessId master = nobody;
    bool watched = false;
    bool leaving = false;
};

struct GenerationShell {
    GenerationNumber number = 0;
    Serving process;
    std::vector<Serving> retiring;
    std::map<pid_t, Serving> children;
    bool killed = false;
    bool draining = false;
    bool held = false;         // an operation asked for it
    std::optional<int> rolled; // children that a rollout lets it have
};

class Shell;

class WorkerShell {
public:
    WorkerShell(Shell& shell, WorkerId id, GenerationNumber last_generation);

    GenerationNumber start(bool hold);
    GenerationNumber prepare(int children);
    void admit(GenerationNumber number);
    void admit_beside(GenerationNumber number);
    void serve_alone(GenerationNumber number, bool keeps_old);
    void take_back(GenerationNumber number);
    void wake(GenerationNumber number);
    void size_generation(GenerationNumber number, std::optional<int> children); // nothing: as its rules say
    void abandon(GenerationNumber number);
    void stop();
    void resume(bool is_wanted);
    void settle(GenerationNumber number);
    void give_up_newcomers();
    void resize(int children);

    [[nodiscard]] bool greet(const Word& hello, ProcessId speaker, int connection);
    void hear(GenerationNumber number, ProcessId sender, const Word& word);
    void ended();
    [[nodiscard]] bool knows(ProcessId process) const;

    void adopt(const Word& hello, int connection, std::optional<core::RecordedProcess> record, bool is_intended);
    void adopt_silent_child(const core::RecordedProcess& record, ProcessId process);
    void expect_child(const core::RecordedProcess& record) { expected_children_[record.pid] = record; }
    [[nodiscard]] bool has_master(GenerationNumber number) const;
    [[nodiscard]] bool is_announced(pid_t child) const { return announced_.contains(child); }

    [[nodiscard]] const core::Worker& core() const { return core_; }
    [[nodiscard]] WorkerId id() const { return id_; }
    void places(std::vector<ProcessId>& all) const;

private:
    void act();
    void perform(const core::Effect& effect);
    void perform_note(const core::Note& note);
    void arm_timer();
    [[nodiscard]] int size_of(const GenerationShell& generation) const;
    GenerationShell* find(GenerationNumber number);
    void launch(GenerationNumber number);
    void launch_recorded(GenerationNumber number, Uuid uuid);
    void keep_gate(GenerationNumber number);
    void record_start(const GenerationShell& generation, const Serving& process, Kind role);
    void record_exit(Uuid uuid);
    void send_drain(GenerationShell& generation);
    void kill_all(GenerationShell& generation);
    void kill(const GenerationShell& generation, const Serving& process);
    void greet_child(GenerationShell& generation, Serving& child, Stage stage, int connection);
    void promote(GenerationShell& generation, pid_t pid);
    [[nodiscard]] static std::vector<ProcessId> predecessors_in(const GenerationShell& generation);
    void dismiss_orphans(GenerationShell& generation);
    void end_predecessors(const GenerationShell& generation);
    void crown(GenerationShell& generation, pid_t pid);
    void on_child_started(GenerationShell& generation, ProcessId sender, const Word& word);
    void end_child(GenerationShell& generation, pid_t pid, bool planned);
    void on_process_exit(GenerationShell& generation);
    void watch(Serving& process);
    void reap_generation(GenerationShell& generation);
    GenerationShell& generation_of(GenerationNumber number, core::Phase phase, bool is_main);
    void adopt_process(const Word& hello, int connection, const std::optional<core::RecordedProcess>& record,
                       bool is_intended);
    void adopt_child(const Word& hello, int connection, const std::optional<core::RecordedProcess>& record);
    Uuid fresh_uuid();
    double dice();
    [[nodiscard]] Time now() const;
    [[nodiscard]] bool has(Bug bug) const;

    Shell& shell_;
    Machine& machine_;
    Oracle& oracle_;
    WorkerId id_;
    core::Worker core_;
    std::vector<std::unique_ptr<GenerationShell>> generations_;
    std::map<pid_t, core::RecordedProcess> expected_children_;
    std::set<pid_t> announced_; // of those
    std::optional<Time> timer_;
    bool acting_ = false;
    bool is_ordered_ = false; // what is spawned now was asked for
    bool is_held_ = false;    // and an operation admits it
    int first_size_ = 0;      // of what is being spawned
};

enum class Verb { up, restart, down };

/// One supervisor, from its start to its death.
class Shell : public Listener {
public:
    Shell(Site& site);
    ~Shell() override = default;

    void run();
    void hear(int connection, const Word& word) override;
    void hung_up(int) override {}
    void ended(ProcessId process) override;

    /// Ignored while another is under way or the takeover is not over.
    bool order(Verb verb, unsigned workers);
    [[nodiscard]] bool is_busy() const { return operation_.has_value() || !over_; }
    [[nodiscard]] bool has_failed() const { return failed_; } // the latest operation
    [[nodiscard]] bool has_given_up() const;                  // a worker
    [[nodiscard]] bool is_down() const { return down_; }
    /// The roll of this generation, while it is under way.
    [[nodiscard]] Roll* roll_of(WorkerId worker, GenerationNumber generation);
    /// One that waits for somebody to promote or to abort.
    [[nodiscard]] Roll* waiting_roll();
    void answer(Roll& roll, bool promotes);
    /// Ignored as an order is.
    void scale(WorkerId worker, int children);
    [[nodiscard]] std::optional<unsigned> applied() const { return applied_; }
    [[nodiscard]] std::optional<Time> busy_since() const;
    [[nodiscard]] int number() const { return number_; }
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] bool is_alive() const { return *alive_; }
    /// After `down`: nothing is left to it. False: it was not told, or is not there yet.
    bool exit_in_order();

    /// Between any two effects.
    void step();
    /// Runs `what` later, if this supervisor still lives then.
    void later(Duration wait, std::function<void()> what);
    /// Not if this supervisor is dead by then.
    [[nodiscard]] std::function<void()> bound(std::function<void()> what);
    void changed();
    Site& site() { return site_; }
    void link(int connection, WorkerId worker, GenerationNumber generation, ProcessId sender);

private:
    struct Newcomer {
        WorkerId worker;
        GenerationNumber generation;
        bool is_added;
        std::unique_ptr<Roll> roll; // of one that is not
    };
    struct Operation {
        Verb verb;
        unsigned workers;
        std::vector<Newcomer> newcomers;
        std::vector<WorkerId> todo; // still to be restarted, or stopped
        Time since;
        bool are_let_in = false;
        enum class Stage { loading, rolling, settling, stopping, taking_back } stage = Stage::loading;
    };
    struct Linked {
        WorkerId worker;
        GenerationNumber generation;
        ProcessId sender;
    };

    void guard(const std::function<void()>& what);
    void read_history();
    bool greet(const Word& hello, int connection);
    void give(const Word& hello, int connection, std::optional<core::RecordedProcess> record, bool is_intended = false);
    [[nodiscard]] bool does_serve(WorkerId id, GenerationNumber number);
    void wait_for_hellos();
    [[nodiscard]] bool is_waiting() const;
    void close_intents();
    void finish_takeover();
    void kill_silent();
    void expect_children();
    void adopt_late_children();
    void adopt_silent_children(bool with_master);
    void resume_all();
    void adopt_strangers(unsigned workers);
    WorkerShell* find(WorkerId id);
    WorkerShell& add(WorkerId id);
    void remove(WorkerId id);
    WorkerShell& worker_of(WorkerId id);
    [[nodiscard]] bool is_wanted(WorkerId id) const { return !unwanted_.contains(id); }
    void check();

    void begin_up();
    void begin_next_restart();
    bool advance(); // false: it waits, or is over
    bool advance_loading();
    bool advance_rolling();
    bool roll(bool on_trial);
    void let_in();
    bool advance_stopping();
    [[nodiscard]] Newcomer newcomer_of(WorkerShell& worker);
    void take_back();
    [[nodiscard]] bool is_settled(WorkerId id);
    void remove_gone();
    void end_operation(bool failed);

    Site& site_;
    Machine& machine_;
    int number_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::map<WorkerId, std::unique_ptr<WorkerShell>> workers_;
    std::vector<std::unique_ptr<WorkerShell>> removed_; // events still name them
    core::Adoption adoption_;
    std::map<pid_t, std::pair<ProcessId, core::RecordedProcess>> known_;
    std::set<Uuid> intents_; // of what may have been forked
    std::set<int> intended_; // strangers of whom there was an intent, by connection
    std::vector<std::pair<Word, int>> strangers_;
    std::map<int, core::RecordedProcess> lost_records_; // of strangers, by connection
    std::vector<std::pair<int, Word>> unread_;          // what they said
    std::set<WorkerId> unwanted_;
    std::vector<WorkerId> gone_; // stopped by `up`, to be removed
    std::map<int, Linked> links_;
    std::optional<unsigned> applied_;
    std::optional<Operation> operation_;
    Time begun_{};
    WorkerId stopping_ = -1;
    GenerationNumber rolling_ = 0; // and of which worker: its roll has begun
    WorkerId rolling_worker_ = -1;
    bool over_ = false;
    bool is_up_ordered_ = false;
    bool failed_ = false;
    bool down_ = false;
    bool advancing_ = false;
};

} // namespace mpsup::sim
