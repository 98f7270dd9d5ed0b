// A machine that does not exist: a clock, a queue of events, a kernel with few pids, a disk, and the processes of workers. All
// chance comes from one seed: the same seed is the same history, event by event.
#pragma once

#include "base/exit_status.h"
#include "supervisor/core/effect.h"
#include "supervisor/core/restart_budget.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mpsup::sim {

using core::Duration;
using core::GenerationNumber;
using core::Time;
using ProcessId = int; // of the simulation, never used twice: what a pidfd is
using Uuid = int;
using WorkerId = int;

constexpr ProcessId nobody = -1;

/// An invariant does not hold.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    /// splitmix64
    std::uint64_t next();
    /// In [low, high].
    int between(int low, int high);
    bool one_in(int n) { return between(1, n) == 1; }
    double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    Duration ms(int low, int high) { return Duration(between(low, high)); }

private:
    std::uint64_t state_;
};

class Clock {
public:
    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] long ms() const;
    void at(Time due, std::function<void()> what);
    void after(Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }
    /// The next event. A machine that was paused does late what was due meanwhile.
    void run_one();
    void pause(Duration length);
    /// The time that counts for whoever is to be done by then: of each pause a second.
    [[nodiscard]] Time given() const { return now_ - not_given_; }
    /// As people and rows have it. It may be set, forwards and backwards.
    [[nodiscard]] Time wall() const { return now_ + wall_ahead_; }
    void set_wall(Duration ahead) { wall_ahead_ = ahead; }
    [[nodiscard]] Time next_due() const { return queue_.top().due; }
    [[nodiscard]] bool is_empty() const { return queue_.empty(); }
    [[nodiscard]] std::uint64_t events() const { return events_; }

private:
    struct Event {
        Time due;
        std::uint64_t order;
        std::function<void()> what;
        friend bool operator<(const Event& a, const Event& b) {
            return a.due != b.due ? a.due > b.due : a.order > b.order;
        }
    };
    std::priority_queue<Event> queue_;
    std::uint64_t order_ = 0;
    std::uint64_t events_ = 0;
    Time now_{Duration(1'000'000)};
    Duration not_given_{0};
    Duration wall_ahead_{0};
};

enum class Kind { light, master, child, stranger };
enum class Stage { fresh, ready, serving, sleeping, draining };
[[nodiscard]] const char* to_string(Kind kind) noexcept;

/// What a process says.
struct Word {
    enum class What { hello, ready, failed, child_started, child_ready, child_exited, refork_due };
    What what = What::hello;
    ProcessId subject = nobody; // who says hello, or the child that is meant
    pid_t pid = -1;             // of the subject
    std::uint64_t start_time = 0;
    bool planned = false;
    Kind kind = Kind::light; // as it says itself
    Stage stage = Stage::fresh;
    WorkerId worker = -1;
    GenerationNumber generation = 0;
    Uuid uuid = 0;
};

/// What it is told.
enum class Order { go, serve, sleep, wake, size, drain, promote, release };

struct Connection {
    ProcessId process = nobody;
    int supervisor = 0; // which one: they are numbered
    bool open = true;   // the supervisor's end
    Time last_up{};
    Time last_down{};
    std::deque<Word> words; // said, not yet heard
};

struct Process {
    ProcessId id = nobody;
    pid_t pid = -1;
    std::uint64_t start_time = 0;
    bool alive = true;
    ExitStatus status = ExitStatus::unknown();
    Kind kind = Kind::light;
    WorkerId worker = -1;
    GenerationNumber generation = 0;
    Uuid uuid = 0;
    Stage stage = Stage::fresh;
    bool has_go = false;
    bool is_hung = false;       // does nothing more, until it is killed
    bool ignores_drain = false; //
    bool told_ready = false;
    bool was_told_serve = false;
    bool was_told_drain = false;
    int connection = -1;
    bool is_searching = false;
    ProcessId master = nobody; // of a child
    std::vector<ProcessId> children;
    int wanted = 0;
    bool is_to_be_master = false;
    Time ended_at{};
};

/// A row of the history about one process.
struct Row {
    Uuid uuid = 0;
    WorkerId worker = -1;
    GenerationNumber generation = 0;
    Kind role = Kind::light;
    pid_t pid = -1;
    std::uint64_t start_time = 0;
    bool has_ended = false;
};

struct Disk {
    std::map<Uuid, Row> rows;
    struct Topology {
        unsigned wanted; // workers, a bit each
        Time wall;       // when it was applied
    };
    std::vector<Topology> topologies; // as they were written
};

/// What the processes need of the supervisor that runs, if one does.
class Listener {
public:
    virtual ~Listener() = default;
    virtual void hear(int connection, const Word& word) = 0;
    virtual void hung_up(int connection) = 0;
    virtual void ended(ProcessId process) = 0; // a pidfd became readable
};

struct Faults {
    bool enabled = true;
    int process = 0; // one in so many steps of a process goes wrong; 0: none
    int fork = 0;    // one in so many forks fails
    int late = 0;    // one in so many messages is late
    int reuse = 0;   // one in so many pids is a stranger's as soon as it is free
    bool pauses = false;
    bool wall = false; // it is set now and then
};

class Machine {
public:
    explicit Machine(std::uint64_t seed) : random(seed) {}

    // The kernel
    /// nobody: fork failed.
    ProcessId spawn(Kind kind, WorkerId worker, GenerationNumber generation, Uuid uuid, int children);
    /// As pidfd_send_signal does: it reaches this process, or nobody.
    void kill(ProcessId id);
    void end(ProcessId id, ExitStatus status);
    [[nodiscard]] Process& process(ProcessId id) { return processes_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] ProcessId holder_of(pid_t pid) const;
    [[nodiscard]] const std::map<pid_t, ProcessId>& living() const { return by_pid_; }
    [[nodiscard]] std::vector<ProcessId> living_of_worker(WorkerId worker) const;
    /// All that ever were.
    [[nodiscard]] const std::deque<Process>& processes() const { return processes_; }
    void stranger_comes();

    // The disk: rows are written later, in order, together
    using Change = std::function<void(Disk&)>;
    void write(Change change, std::function<void()> done = {});
    void refuse_writes_for(Duration length);
    [[nodiscard]] const Disk& disk() const { return disk_; }
    void flush_all();

    // The contract
    void supervisor_listens(Listener& listener, int number);
    void supervisor_is_gone(bool in_order);
    [[nodiscard]] int supervisor() const { return listener_ ? supervisor_ : 0; }
    /// `what`: a pid, or a number of children.
    void tell(int connection, Order order, int what = -1);
    void hang_up(int connection);
    /// As SO_PEERCRED says.
    [[nodiscard]] ProcessId peer_of(int connection) const { return connections_[index(connection)].process; }
    /// What was said and not heard yet, at once.
    std::deque<Word> read_now(int connection) { return std::exchange(connections_[index(connection)].words, {}); }
    /// Somebody else says something.
    void impersonate(ProcessId stranger, Word hello);

    /// Does it answer on its private listener?
    [[nodiscard]] bool answers(WorkerId worker, GenerationNumber generation) const;

    void trace(const std::string& line);
    Random random;
    Clock clock;
    Faults faults;
    bool traces = false;

private:
    static std::size_t index(int number) { return static_cast<std::size_t>(number); }
    enum class Fate { well, crash, hang, slow };
    Fate draw_fate();
    Duration latency();
    void boot(ProcessId id);
    void say(ProcessId id, Word word);
    bool connect(ProcessId id, Word hello);
    void obey(ProcessId id, Order order, pid_t pid);
    void lose_supervisor(ProcessId id);
    void search(ProcessId id);
    void look_for_supervisor(ProcessId id);
    void load(ProcessId id);
    void become_ready(ProcessId id);
    void fork_child(ProcessId master);
    void child_is_ready(ProcessId child);
    void say_if_complete(ProcessId master);
    void master_lost_child(ProcessId master, ProcessId child);
    void serve(ProcessId id);
    void sleep(ProcessId id);
    void resize(ProcessId id, int children);
    void wake(ProcessId id);
    void drain(ProcessId id);
    void become_master(ProcessId id);
    void release(ProcessId master, pid_t pid);
    void schedule_flush(Duration wait);
    [[nodiscard]] bool can_act(ProcessId id) { return process(id).alive && !process(id).is_hung; }
    [[nodiscard]] Word word_about(Word::What what, ProcessId subject);

    std::deque<Process> processes_;
    std::map<pid_t, ProcessId> by_pid_;
    pid_t last_pid_ = 1;
    std::uint64_t last_start_time_ = 100;
    Disk disk_;
    struct Write {
        Change change;
        std::function<void()> done;
    };
    std::deque<Write> unwritten_;
    Time disk_refuses_until_{};
    bool flush_is_due_ = false;
    std::deque<Connection> connections_;
    Listener* listener_ = nullptr;
    int supervisor_ = 0;
};

} // namespace mpsup::sim
