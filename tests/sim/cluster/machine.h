// A machine of a simulated fleet: a supervisor with a member in it, the site that it has in hand, its disk, and its way to etcd.
#pragma once

#include "supervisor/cluster/member.h"
#include "tests/sim/cluster/books.h"
#include "tests/sim/cluster/bug.h"
#include "tests/sim/cluster/etcd.h"
#include "tests/sim/cluster/oracle.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace mpsup::sim {

/// What all machines share.
struct FleetWorld {
    Clock& clock;
    Random& random;
    Etcd& etcd;
    Etcd& other_etcd; // that is none of theirs
    FleetOracle& oracle;
    Books& books;
    ClusterBug bug = ClusterBug::none;
    bool has_faults = true;
    bool traces = false;
    int loss = 0;     // one in so many messages is lost; 0: none
    int slowest = 60; // ms, of a message
    int pools = 1;    // of a machine
    Duration shortest_operation{200}, longest_operation{4'000};
    std::function<void(cluster::AskId, int)> on_answer{};

    void trace(const std::string& line) const;
};

/// Another topology, or the same anew?
[[nodiscard]] bool brings_topology(const cluster::Do& task);

class FleetMachine {
public:
    FleetMachine(FleetWorld& world, int index, std::string name);

    // Faults
    /// The machine starts, with another boot id.
    void boot();
    void die();
    /// What it was doing goes on, was done, or was not.
    void kill_supervisor(Duration until_the_next);
    void pause(Duration length);
    /// Nothing gets to etcd, or nothing comes back.
    void cut(bool up, bool down, Duration length);
    /// What is watched comes seconds late, in its order.
    void hear_late(Duration length);
    /// etcd keeps nothing of the past for those that hear late: their watch ends.
    void is_compacted();
    /// What it asks comes to another etcd, some of it or all.
    void mislead(Duration length);
    /// It has no interface for the address.
    void unplug(Duration length);
    void heal();
    void ail(Duration length);
    void lose_lease();
    void leave();

    void ask(cluster::AskId id, cluster::Order order, const std::string& what);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool is_alive() const { return is_on_; }
    [[nodiscard]] bool has_supervisor() const { return member_ != nullptr; }
    [[nodiscard]] const cluster::Version& runs() const { return disk_.runs; }
    /// What really runs, whatever was said.
    [[nodiscard]] const std::string& serves() const { return disk_.serves; }
    [[nodiscard]] cluster::ClusterStatus status() const { return member_->status(now()); }
    [[nodiscard]] const cluster::Memory& memory() const { return disk_.memory; }
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] bool can_be_heard() const {
        return world_.clock.now() >= cut_up_ && world_.clock.now() >= cut_down_ && world_.clock.now() >= paused_until_;
    }

    /// Of what changes in etcd, as it does.
    [[nodiscard]] bool is_hearing() const {
        return member_ && stream_ && stream_->etcd == &world_.etcd && stream_->watch != 0 && stream_->queue.empty() &&
               world_.clock.now() >= slow_until_ && can_be_heard();
    }

    std::uint64_t operations = 0; // of etcd's that it asked for
    std::uint64_t renewals = 0;   // of these
    std::uint64_t news_bytes = 0; // that a watch told it

private:
    struct Disk {
        cluster::Memory memory{};
        cluster::Version runs{};
        std::string serves{};
    };
    struct Stream {
        Etcd* etcd = nullptr;
        Etcd::WatchId watch = 0;
        std::deque<std::pair<Time, Etcd::News>> queue{};
        Time last_due{};
    };
    struct Operation {
        cluster::Do task{};
        bool succeeds = false;
        int number = 0;
    };

    void start_supervisor();
    void stop_supervisor();
    [[nodiscard]] cluster::Moment now() const;
    [[nodiscard]] Duration latency();
    void later(Duration wait, std::function<void()> what);
    void at_once(std::uint64_t life, const std::function<void()>& what);
    template <typename Reply> void call(std::function<Reply()> serve, std::function<void(Result<Reply>)> answer);
    void perform();
    void perform(cluster::Effect& effect);
    void plan_tick();

    [[nodiscard]] Etcd& etcd();
    void get_lease();
    void renew(cluster::LeaseId lease);
    void list();
    void on_listing(Result<cluster::TransactionReply> reply);
    void watch(cluster::Revision from);
    void pump();
    void deliver(const Etcd::News& news);
    void break_stream(const std::string& why);
    void list_later();

    void submit(cluster::Submit submit);
    void set_address(const cluster::HoldVip& vip);
    void spoil(cluster::Transaction& transaction) const;
    void check(const cluster::Check& check);
    void begin(cluster::Do task);
    void end_operation(int number, bool succeeds, const std::string& text);
    void tell_site();
    void mind_site();

    FleetWorld& world_;
    int index_;
    std::string name_;
    Disk disk_;
    bool is_on_ = false;
    int boots_ = 0, processes_ = 0;
    std::uint64_t life_ = 0;
    Time paused_until_{}, cut_up_{}, cut_down_{}, slow_until_{}, ails_until_{}, misled_until_{}, unplugged_until_{},
        obeys_until_{};
    bool is_misled_wholly_ = false;
    std::unique_ptr<cluster::Member> member_;
    std::string instance_;
    int trusts_generation_ = -1,
        listed_generation_ = 0; // of the store; -1: it never saw one that had been ordered something

    // Of the supervisor's process
    cluster::LeaseId lease_ = 0;
    std::unique_ptr<Stream> stream_;
    bool is_listing_ = false;
    std::optional<cluster::Time> tick_at_;
    std::optional<Operation> operation_;
    int operations_begun_ = 0;
    bool is_busy_ = false, says_well_ = false;
    std::vector<cluster::AskId> asks_;
};

} // namespace mpsup::sim
