// The site that a simulated machine has in hand: what is checked, and what operations come to.
#include "tests/sim/cluster/machine.h"

#include <algorithm>

namespace mpsup::sim {

using namespace std::chrono_literals;
using cluster::ChangeRecord;

namespace {

constexpr auto site_interval = 5s;

} // namespace

bool brings_topology(const cluster::Do& task) {
    return task.kind == ChangeRecord::Kind::up || (task.kind == ChangeRecord::Kind::rollback && task.workers.empty());
}

void FleetMachine::check(const cluster::Check& check) {
    later(world_.random.ms(5, 300), [this, check] {
        const Document& document = world_.books.of(check.to.digest);
        const bool may_refuse = !check.change.empty() || world_.has_faults;
        const bool refuses = may_refuse && document.refused_by.contains(name_);
        cluster::Checked checked{check.change, check.to, !refuses, {}, document.facts};
        if (!checked.accepted) checked.reasons.emplace_back("this machine does not want it");
        member_->on_checked(std::move(checked), now());
    });
}

void FleetMachine::begin(cluster::Do task) {
    if (operation_ || is_busy_) throw Violation(name_ + " is to do two things at once");
    world_.oracle.begins(name_, trusts_generation_, listed_generation_);
    world_.trace(name_ + " does " + std::string(to_string(task.kind)) + " " + std::to_string(task.to.number) +
                 (task.change.empty() ? " by itself" : ""));
    const bool is_alone = task.change.empty() && !disk_.serves.empty() && says_well_;
    if (is_alone && task.to.number != 0)
        world_.oracle.begins_alone(name_, std::max(1, world_.books.of(task.to.digest).facts.allowed));
    Operation operation{std::move(task), true, ++operations_begun_};
    if (brings_topology(operation.task) && operation.task.to.number != 0) {
        const int fails = world_.books.of(operation.task.to.digest).fails;
        operation.succeeds = fails == 0 || !world_.has_faults || !world_.random.one_in(fails);
    } else if (world_.has_faults) {
        operation.succeeds = !world_.random.one_in(10);
    }
    const auto milliseconds = [](Duration time) { return static_cast<int>(time.count()); };
    const Duration length =
        world_.random.ms(milliseconds(world_.shortest_operation), milliseconds(world_.longest_operation));
    later(length, [this, number = operation.number, succeeds = operation.succeeds] {
        end_operation(number, succeeds, "it did not come up");
    });
    operation_ = std::move(operation);
}

void FleetMachine::end_operation(int number, bool succeeds, const std::string& text) {
    if (!operation_ || operation_->number != number) return;
    const cluster::Do task = std::exchange(operation_, std::nullopt)->task;
    world_.oracle.ends_alone(name_);
    if (world_.bug == ClusterBug::lose_ends && world_.random.one_in(4)) return;
    const bool says = succeeds || world_.bug == ClusterBug::claim_success;
    if (brings_topology(task)) {
        if (succeeds) disk_.serves = task.to.digest;
        if (says) disk_.runs = task.to;
        if (says && !task.to.digest.empty())
            member_->on_facts(task.to.digest, world_.books.of(task.to.digest).facts, now());
        if (succeeds && task.to.number != 0 && world_.books.of(task.to.digest).rots)
            ails_until_ = world_.clock.now() + 90s;
        else if (succeeds)
            ails_until_ = {};
    }
    tell_site();
    member_->on_done({task.change, task.round, says, says ? "" : text, says}, now());
}

void FleetMachine::tell_site() {
    cluster::LocalReport report;
    report.runs = disk_.runs;
    report.well = says_well_ = world_.clock.now() >= ails_until_;
    report.in_flight = cluster::InFlight{};
    for (int i = 0; i < world_.pools && !disk_.serves.empty(); ++i)
        report.workers.push_back({"pool" + std::to_string(i), "running", 8, 8});
    report.busy = is_busy_;
    member_->on_local(std::move(report), now());
}

void FleetMachine::mind_site() {
    if (!world_.has_faults) return;
    tell_site();
    later(site_interval, [this] { mind_site(); });
}

} // namespace mpsup::sim
