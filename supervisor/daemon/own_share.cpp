#include "supervisor/daemon/own_share.h"

#include "base/joined.h"
#include "supervisor/daemon/cluster_facts.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/obstacles.h"
#include "supervisor/daemon/operations.h"
#include "supervisor/daemon/sleeper.h"
#include "supervisor/daemon/under_way.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <algorithm>
#include <map>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;

namespace {

constexpr int bad_topology = 78;
constexpr std::chrono::seconds disk_patience{5};
constexpr std::chrono::milliseconds look_again{200}; // whether what this machine does of itself is over

using topology::WorkerSpec;

asio::awaitable<Outcome> nothing_to_do() {
    co_return Outcome{.code = 0, .text = "nothing of that is here", .is_idle = true};
}

} // namespace

OwnShare::OwnShare(Site& site, Orders& orders, std::string machine)
    : site_(site),
      orders_(orders),
      machine_(std::move(machine)),
      memory_(read_cluster_memory(site.around().paths.cluster_memory())),
      last_(memory_),
      left_out_(memory_.store.out),
      file_(site.around().executor, site.around().paths.cluster_memory(),
            [](const Error& why) { log_line("warning", why.to_string()); }) {}

void OwnShare::remember(cluster::Memory store) {
    memory_.store = std::move(store);
    write_down();
}

void OwnShare::look_at_adopted() {
    is_settled_ = site_.applied() != nullptr;
    if (!site_.applied() || site_.applied()->digest != memory_.document) memory_.runs = {};
    apply_left_out();
}

cluster::LocalReport OwnShare::report() const {
    cluster::LocalReport report;
    report.runs = memory_.runs;
    report.busy = !orders_.running().empty() && !is_working();
    report.in_flight = in_flight_;
    report.well = true;
    for (const auto& worker : site_.workers()) {
        const core::Worker& core = worker->core();
        if (!core.wants_to_run()) continue;
        const auto state = core.state();
        report.well = report.well && (state == core::WorkerState::ready || state == core::WorkerState::degraded);
        report.workers.push_back(
            {worker->spec().name, std::string(core::to_string(state)), core.ready(), core.wanted()});
    }
    return report;
}

bool OwnShare::is_left_out() const { return std::ranges::find(left_out_, machine_) != left_out_.end(); }

asio::awaitable<void> OwnShare::count_in_flight() {
    if (!is_left_out()) co_return in_flight_.reset();
    cluster::InFlight sum;
    const auto workers = site_.workers();
    for (const auto& worker : workers) {
        if (worker->spec().is_private()) continue;
        const auto count = co_await worker->in_flight();
        if (count)
            sum.requests += *count;
        else
            sum.unknown = count.error().to_string();
    }
    if (is_left_out()) in_flight_ = std::move(sum);
}

std::optional<cluster::TopologyFacts> OwnShare::facts() const {
    if (!site_.applied() || !site_.applied()->topology.whole) return std::nullopt;
    return facts_of(*site_.applied()->topology.whole);
}

cluster::AcceptStoreOrder OwnShare::applied() const {
    if (!site_.applied() || !site_.applied()->topology.whole) return {};
    std::string document = topology::to_document(*site_.applied()->topology.whole);
    std::string digest = topology::digest_of(document);
    return {std::move(document), std::move(digest), site_.applied()->path};
}

std::expected<topology::Topology, std::string> OwnShare::share_in(const cluster::Version& version,
                                                                  const std::string& document) const {
    if (topology::digest_of(document) != version.digest)
        return std::unexpected(
            "topology " + std::to_string(version.number) +
            " in the store is not what its digest says: it was damaged or altered; bring the file up again");
    const auto whole = topology::from_document(document);
    if (!whole) return std::unexpected("mpsup " MPSUP_VERSION " cannot read it: " + whole.error().to_string());
    if (whole->whole || whole->find(topology::moved_worker))
        return std::unexpected("it is one machine's share of a topology, not the topology of all");
    if (whole->site != orders_.site_name()) return std::unexpected("it is of the site " + whole->site);
    return topology::share_of(*whole, machine_);
}

cluster::Checked OwnShare::check(const cluster::Check& check) const {
    cluster::Checked checked{.change = check.change, .to = check.to};
    const auto share = share_in(check.to, check.document);
    if (share) {
        checked.reasons = obstacles_to(*share, share->vip.ip);
        checked.facts = facts_of(*share->whole);
        if (const std::string doubt = doubt_about_vip(*share); !doubt.empty()) log_line("warning", doubt);
    } else {
        checked.reasons.push_back(share.error());
    }
    checked.is_invalid = !checked.reasons.empty();
    if (!checked.is_invalid)
        checked.reasons = site_.listeners().refusals_of(endpoints_of(*share, site_.around().paths), share->vip.ip);
    checked.accepted = checked.reasons.empty();
    if (!checked.accepted && check.change.empty()) // nobody else is told
        log_line("warning", "topology " + std::to_string(check.to.number) +
                                " is wanted, but cannot run here: " + joined(checked.reasons, "; "));
    return checked;
}

asio::awaitable<Outcome> OwnShare::carry_out(const cluster::Do& work, Report report) {
    const UnderWay one(working_);
    failpoint();
    Outcome outcome = co_await outcome_of(work, report);
    while (outcome.code == Outcome::busy && !orders_.is_closed()) {
        co_await pause_for(look_again);
        outcome = co_await outcome_of(work, report);
    }
    co_await wait_until_written(); // others hear that it is done when it will be known here
    failpoint();
    co_return outcome;
}

std::vector<std::string> OwnShare::own(const std::vector<std::string>& workers) const {
    std::vector<std::string> here;
    for (const std::string& name : workers)
        if (site_.find(name)) here.push_back(name);
    return here;
}

std::string OwnShare::unknown_in(const std::vector<std::string>& workers,
                                 const std::vector<std::string>& machines) const {
    if (workers.empty()) return {};
    if (!site_.applied() || !site_.applied()->topology.whole)
        return "this machine has no topology of the cluster yet that would know " + workers.front() +
               ": say it on another one";
    std::map<std::string, std::vector<std::string>> places;
    std::vector<std::string> known; // in the order of the file
    const auto add = [&](std::string name, const std::vector<std::string>& on) {
        places.emplace(name, on);
        known.push_back(std::move(name));
    };
    for (const WorkerSpec& worker : site_.applied()->topology.whole->workers) {
        add(worker.name, worker.on);
        if (worker.gateway) add(topology::gateway_name(worker.name), worker.on); // where the pool is
    }
    for (const std::string& name : workers) {
        if (name == topology::moved_worker) continue; // of any machine
        const auto found = places.find(name);
        if (found == places.end()) return unknown_among("worker", {name}, known);
        if (!machines.empty() && std::ranges::find_first_of(machines, found->second) == machines.end())
            return name + " is on " + joined(found->second, ", ") + ", not on " + joined(machines, ", ");
    }
    return {};
}

// No coroutine: GCC 12 destroys some temporaries of an await twice, so there are none.
asio::awaitable<Outcome> OwnShare::perform(std::string name, Task what, const std::vector<std::string>& workers) {
    return orders_.perform(std::move(name), std::move(what), workers);
}

asio::awaitable<Outcome> OwnShare::outcome_of(const cluster::Do& work, Report report) {
    const std::vector<std::string> workers = own(work.workers);
    if (!work.workers.empty() && workers.empty()) return nothing_to_do();
    if (work.kind == cluster::ChangeRecord::Kind::restart)
        return perform("restart", restart(site_, workers, work.fast, std::move(report)), workers);
    if (!workers.empty()) return wake(workers, std::move(report));
    return work.to.number == 0 ? bring_nothing(std::move(report)) : bring(work, std::move(report));
}

// The topology is the same, and what ran last is another.
asio::awaitable<Outcome> OwnShare::wake(std::vector<std::string> workers, Report report) {
    auto back = roll_back(site_, workers, std::move(report));
    Outcome outcome = co_await perform("rollback", std::move(back), workers);
    if (memory_.runs.number > 0) runs(memory_.runs);
    co_return outcome;
}

asio::awaitable<Outcome> OwnShare::bring(const cluster::Do& work, Report report) {
    const auto share = share_in(work.to, work.document);
    if (!share) co_return Outcome{bad_topology, share.error()};
    const bool is_way_back =
        work.round == cluster::Round::undoing || work.kind == cluster::ChangeRecord::Kind::rollback;
    std::string document = topology::to_document(*share);
    if (memory_.runs.number == 0 && note_before(topology::digest_of(document))) co_await wait_until_written();
    const UpManner how{.all_anew = false, .fast = work.fast || is_way_back};
    std::string name = "up";
    if (is_way_back) name = "rollback";
    UpRequest request{std::move(document), work.path};
    const Outcome outcome = co_await orders_.up(std::move(name), std::move(request), std::move(report), how);
    if (outcome.code != 0) co_return outcome;
    failpoint();
    runs(work.to);
    apply_left_out();
    co_return outcome;
}

// A supervisor that does a part again, which the one before it had done, finds what it is to bring.
bool OwnShare::note_before(const std::string& digest) {
    const AppliedTopology* applied = site_.applied();
    if (applied && applied->digest == digest && orders_.has_processes()) return false;
    memory_.before = applied && orders_.has_processes() ? applied->digest : "";
    write_down();
    return true;
}

// What there was before the first topology: nothing, or what was brought up without the cluster.
asio::awaitable<Outcome> OwnShare::bring_nothing(Report report) {
    const bool is_there = site_.applied() && site_.applied()->digest == memory_.before;
    if (!site_.applied() || is_there) {
        runs({});
        co_return Outcome{.code = 0, .text = is_there ? "what ran before runs" : "nothing runs", .is_idle = true};
    }
    AppliedTopology earlier = *site_.applied();
    earlier.topology.workers.clear();
    if (!memory_.before.empty()) {
        auto previous = previous_topology(site_);
        if (previous && previous->digest == memory_.before) earlier = std::move(*previous);
    }
    const BringUp how{.all_anew = false, .fast = true, .asks_pre_roll = false};
    auto undo = bring_up(site_, std::move(earlier), std::move(report), how);
    Outcome outcome = co_await orders_.perform("rollback", std::move(undo));
    if (outcome.code == 0) runs({});
    co_return outcome;
}

// Not always the last of the database, which is written first.
Result<std::optional<state::TopologyRow>> OwnShare::last_topology() const {
    const auto queries = state::Queries::open_any(site_.around().paths.database());
    if (!queries) return std::unexpected(queries.error());
    return queries->topology(last_.document);
}

asio::awaitable<bool> OwnShare::bring_up_last(bool is_again) {
    if (last_.document.empty()) co_return true;
    const auto found = last_topology();
    if (!found) {
        log_line("error", "what ran here last cannot be read: " + found.error().to_string());
        co_return false;
    }
    const std::optional<state::TopologyRow>& row = *found;
    if (!row) {
        log_line("warning", "what ran here last is not in the database: nothing is brought up before etcd answers");
        co_return true;
    }
    log_line("warning", "nothing is wanted of this machine, as far as it hears: what ran here last is brought up");
    UpRequest request{row->document, row->path};
    Report report = [](const ReportLine& line) { log_line("info", line.text); };
    const UpManner how{.is_recorded = !is_again};
    const Outcome outcome = co_await orders_.up("up", std::move(request), std::move(report), how);
    if (outcome.code != 0) co_return false;
    runs(last_.runs);
    apply_left_out();
    co_return true;
}

// Until something has come up, what is known is what ran last.
void OwnShare::write_down() {
    ClusterMemory memory = memory_;
    if (!is_settled_) memory.runs = last_.runs, memory.document = last_.document;
    file_.write(text_of(memory));
}

void OwnShare::runs(cluster::Version version) {
    is_settled_ = true;
    memory_.runs = std::move(version);
    memory_.document = memory_.runs.number > 0 && site_.applied() ? site_.applied()->digest : "";
    write_down();
}

// Unless the disk hangs.
asio::awaitable<void> OwnShare::wait_until_written() {
    return file_.wait_until_written(std::chrono::steady_clock::now() + disk_patience);
}

void OwnShare::leave_out(std::vector<std::string> machines) {
    left_out_ = std::move(machines);
    in_flight_.reset();
    apply_left_out();
}

void OwnShare::apply_left_out() {
    if (!site_.applied() || !site_.applied()->topology.whole) return;
    site_.set_backends_out(addresses_of(*site_.applied()->topology.whole, left_out_));
}

} // namespace mpsup
