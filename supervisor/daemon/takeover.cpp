#include "supervisor/daemon/takeover.h"

#include "base/process_identity.h"
#include "state/queries.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/urls.h"
#include "worker/contract/session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto hello_patience = std::chrono::milliseconds(5'000);
constexpr auto late_word_patience = std::chrono::milliseconds(1'000); // what a master says of its children
constexpr auto stranger_patience =
    8 * contract::search_interval; // nobody says whom to wait for, and the machine may be busy

// The process that was recorded, if the kernel still has it. Looked at after the pidfd was opened: before, another could
// have taken its pid.
Result<Pidfd> open_if_same(const state::ProcessStart& start, const std::string& boot) {
    if (start.boot_id != boot || start.pid <= 0) return failure("of another boot");
    auto pidfd = Pidfd::open(start.pid);
    if (!pidfd) return pidfd;
    const auto start_time = process_start_time(start.pid);
    if (!start_time || *start_time != start.start_time) return failure("another process has its pid");
    return pidfd;
}

// The counts of `restarts` in a worker's object of `status -o json`.
std::pair<int, int> counts_in(const std::string& status) {
    boost::system::error_code error;
    const json::value value = json::parse(status, error);
    if (error || !value.is_object()) return {};
    const json::value* restarts = value.as_object().if_contains("restarts");
    if (!restarts || !restarts->is_object()) return {};
    const auto count = [&](std::string_view key) {
        const json::value* number = restarts->as_object().if_contains(key);
        return number && number->is_int64() ? static_cast<int>(number->as_int64()) : 0;
    };
    return {count("crash"), count("planned")};
}

} // namespace

Takeover::Takeover(Site& site, bool was_killed)
    : site_(site), bell_(site.around().executor), began_(Clock::now()), was_killed_(was_killed) {
    const auto queries = state::Queries::open_any(site.around().paths.database());
    if (!queries) return; // no history: what it would have said is unknown
    read_history(*queries);
    if (!known_.empty()) restore_topology(*queries);
}

void Takeover::read_history(const state::Queries& queries) {
    const auto living = queries.living();
    if (!living) return;
    std::vector<core::RecordedProcess> alive;
    for (const state::RecordedProcess& process : *living) {
        const state::ProcessStart& start = process.start;
        if (start.pid <= 0) {
            intents_.insert(start.row.uuid);
            continue;
        }
        auto pidfd = open_if_same(start, site_.around().boot);
        const auto status = pidfd ? pidfd->reap() : ExitStatus::unknown(); // of our own children the kernel knows it
        if (status) {
            site_.around().history.store().exited({start.row.uuid, *status, "ended while no supervisor ran"});
            continue;
        }
        core::RecordedProcess record{
            start.row.uuid, start.row.worker, start.row.generation, start.row.role == state::ProcessRole::child,
            start.pid,      start.start_time};
        known_.emplace(start.pid, Known{std::move(*pidfd), record, start.row.at.wall_ms});
        alive.push_back(std::move(record));
    }
    adoption_ = core::Adoption(std::move(alive), Clock::now(), hello_patience);
}

void Takeover::restore_topology(const state::Queries& queries) {
    const std::optional<state::TopologyRow> row = queries.last_topology().value_or(std::nullopt);
    if (!row) return;
    auto topology = topology::from_document(row->document);
    if (!topology)
        return log_line("error", "the topology that was applied last cannot be read: " + topology.error().to_string());
    site_.around().urls = urls_of(*topology);
    site_.around().links = links_of(*topology);
    site_.around().servers = servers_in_words(*topology);
    site_.around().build = topology->binaries;
    const auto workers = queries.workers().value_or(std::vector<state::WorkerRow>{});
    for (const topology::WorkerSpec& spec : topology->workers) {
        const auto worker = site_.add(spec);
        const auto recorded = std::ranges::find(workers, spec.name, &state::WorkerRow::worker);
        if (recorded == workers.end()) continue;
        const auto [crashes, planned] = counts_in(recorded->status);
        worker->continue_counts(crashes, planned);
    }
    site_.set_applied({std::move(*topology), row->path, row->digest});
    expect_children();
}

void Takeover::expect_children() {
    for (const auto& [pid, known] : known_)
        if (known.record.is_child) worker_of(known.record.worker, true).expect_child(known.record, known.started_ms);
}

// One that the topology does not have was being added or removed when the supervisor died.
WorkerHandle& Takeover::worker_of(const std::string& name, bool is_pool) {
    if (const auto worker = site_.find(name)) return *worker;
    topology::WorkerSpec spec;
    spec.name = name;
    spec.kind = is_pool ? topology::Kind::dynamic : topology::Kind::static_files;
    unwanted_.push_back(name);
    return *site_.add(spec);
}

bool Takeover::greet(const contract::Hello& hello, std::vector<Fd> fds, Fd& connection) {
    auto returned = receive_returned(hello, std::move(fds), site_.around().paths);
    const std::string who = hello.identity.worker + ", process " + std::to_string(hello.pid);
    if (!returned) {
        log_line("warning", who + " is not adopted: " + returned.error().to_string());
        return false;
    }
    if (adoption_.judge(returned->claimant) == core::ClaimVerdict::impostor) {
        log_line("warning", who + " is not adopted: it is not the process that was recorded");
        return false;
    }
    returned->record = adoption_.arrived(hello.pid);
    const bool may_be_intended =
        hello.role != contract::Role::child && !returned->record; // others say their parent's name
    returned->is_intended = may_be_intended && intents_.erase(hello.identity.uuid) > 0;
    if (const auto known = known_.find(hello.pid); known != known_.end() && returned->record)
        returned->started_ms = known->second.started_ms;
    if (returned->record) known_.erase(hello.pid);
    if (!site_.applied() && !is_up_ordered_) {
        strangers_.push_back({std::move(*returned), std::move(connection)});
    } else {
        const bool serves = does_serve(hello.identity.worker, hello.identity.generation);
        WorkerHandle& taker = give(std::move(*returned), std::move(connection));
        if (over_ && !serves) taker.settle(hello.identity.generation);
    }
    bell_.ring();
    return true;
}

WorkerHandle& Takeover::give(Returned returned, Fd connection) {
    for (const auto& [endpoint, listener] : returned.listeners) site_.listeners().adopt(endpoint, listener);
    WorkerHandle& worker = worker_of(returned.hello.identity.worker, returned.hello.role != contract::Role::light);
    log_line("info", worker.spec().name + " generation " + std::to_string(returned.hello.identity.generation) +
                         ": process " + std::to_string(returned.hello.pid) + " is adopted");
    ++adopted_;
    worker.adopt(std::move(returned), std::move(connection));
    return worker;
}

// One that is over for its worker must not come back with a process that is late.
bool Takeover::does_serve(const std::string& name, core::GenerationNumber number) const {
    const auto worker = site_.find(name);
    const core::Generation* generation = worker ? worker->core().find(number) : nullptr;
    return generation && core::is_taking_requests(generation->phase);
}

bool Takeover::is_wanted(const WorkerHandle& worker) const {
    return std::ranges::find(unwanted_, worker.spec().name) == unwanted_.end();
}

asio::awaitable<void> Takeover::wait_until_over() {
    while (!over_) co_await bell_.wait_until(std::chrono::steady_clock::time_point::max());
}

asio::awaitable<void> Takeover::run() {
    co_await wait_for_hellos();
    close_intents();
    kill_silent();
    adopt_silent_children(false);
    resume_workers();
    over_ = true;
    bell_.ring();
    if (adopted_ > 0)
        site_.around().history.site_event(state::EventKind::adopted,
                                          std::to_string(adopted_) + " processes of an earlier supervisor");
    co_await adopt_late_children();
}

asio::awaitable<void> Takeover::adopt_late_children() {
    co_await pause_for(late_word_patience);
    adopt_silent_children(true);
    end_leftovers();
    forget_announced();
}

// Children of which nobody heard, of workers that the site has no more.
void Takeover::end_leftovers() {
    if (!site_.applied() && !is_up_ordered_) return; // they may be wanted yet
    std::vector<pid_t> left;
    for (const auto& [pid, record] : adoption_.missing())
        if (record.is_child && !site_.find(record.worker)) left.push_back(pid);
    for (const pid_t pid : left) {
        const auto record = adoption_.arrived(pid);
        if (!record) continue;
        const Pidfd& process = known_.at(pid).pidfd;
        const auto ended = process.reap();
        if (!ended) (void)process.send_signal(SIGKILL);
        site_.around().history.store().exited(
            {record->uuid, ended.value_or(ExitStatus::signalled(SIGKILL)), "its worker is no more"});
        known_.erase(pid);
    }
}

// Their masters speak for them.
void Takeover::forget_announced() {
    std::vector<pid_t> announced;
    for (const auto& [pid, record] : adoption_.missing())
        if (const auto worker = site_.find(record.worker); worker && worker->is_announced(record))
            announced.push_back(pid);
    for (const pid_t pid : announced) {
        (void)adoption_.arrived(pid);
        known_.erase(pid);
    }
}

asio::awaitable<void> Takeover::wait_for_hellos() {
    if (known_.empty() && was_killed_) co_await pause_for(stranger_patience);
    while (is_waiting(Clock::now())) {
        co_await bell_.wait_until(Clock::now() + contract::search_interval);
        std::vector<pid_t> ended;
        for (const auto& [pid, record] : adoption_.missing())
            if (known_.at(pid).pidfd.ended()) ended.push_back(pid);
        for (const pid_t pid : ended) {
            site_.around().history.store().exited(
                {adoption_.missing().at(pid).uuid, ExitStatus::unknown(), "ended while no supervisor ran"});
            adoption_.gone(pid);
            known_.erase(pid);
        }
    }
}

bool Takeover::is_waiting(Clock::time_point now) const {
    if (!intents_.empty() && now < began_ + stranger_patience) return true;
    return !adoption_.is_complete() && now < adoption_.deadline();
}

void Takeover::close_intents() {
    for (const std::string& uuid : std::exchange(intents_, {}))
        site_.around().history.store().exited({uuid, ExitStatus::unknown(), "it is not known whether it was started"});
}

void Takeover::kill_silent() {
    std::vector<pid_t> silent;
    for (const auto& [pid, record] : adoption_.missing())
        if (!record.is_child) silent.push_back(pid);
    for (const pid_t pid : silent) {
        const auto record = adoption_.arrived(pid);
        if (!record) continue;
        log_line("warning", record->worker + ": process " + std::to_string(pid) +
                                " of an earlier supervisor says nothing and is killed");
        (void)known_.at(pid).pidfd.send_signal(SIGKILL);
        site_.around().history.store().exited(
            {record->uuid, ExitStatus::signalled(SIGKILL), "said nothing to a new supervisor"});
        known_.erase(pid);
    }
}

void Takeover::adopt_silent_children(bool with_master) {
    std::vector<pid_t> chosen;
    for (const auto& [pid, record] : adoption_.missing()) {
        const auto worker = site_.find(record.worker);
        if (!worker || worker->is_announced(record)) continue; // left over, or announced meanwhile
        if (with_master || !worker->has_master(record.generation)) chosen.push_back(pid);
    }
    for (const pid_t pid : chosen) {
        const auto record = adoption_.arrived(pid);
        if (!record) continue;
        Known& known = known_.at(pid);
        if (const auto status = known.pidfd.reap()) {
            site_.around().history.store().exited({record->uuid, *status, "ended while no supervisor ran"});
            known_.erase(pid);
            continue;
        }
        const bool serves = does_serve(record->worker, record->generation);
        WorkerHandle& worker = worker_of(record->worker, true);
        worker.adopt_silent_child(*record, std::move(known.pidfd), known.started_ms);
        known_.erase(pid);
        if (over_ && !serves) worker.settle(record->generation);
    }
}

void Takeover::resume_workers() {
    const auto workers = site_.workers();
    for (const auto& worker : workers) {
        worker->reap(); // who said hello and has ended since does not count
        if (is_wanted(*worker)) {
            // Bound already, unless nobody is left who had it.
            auto listeners = site_.listeners_of(worker->spec());
            if (listeners)
                worker->set_spec(worker->shared_spec(), std::move(*listeners));
            else
                log_line("error", worker->spec().name + ": " + listeners.error().to_string());
        }
        worker->resume(is_wanted(*worker));
        if (is_wanted(*worker)) worker->replace_if_misplaced();
    }
}

std::vector<std::string> Takeover::adopt_strangers(const topology::Topology& topology) {
    std::vector<std::string> names;
    is_up_ordered_ = true;
    std::erase_if(unwanted_, [&](const std::string& name) { return topology.find(name) != nullptr; });
    if (site_.applied() || (strangers_.empty() && adoption_.missing().empty())) return names;
    for (const topology::WorkerSpec& spec : topology.workers)
        if (std::ranges::any_of(
                strangers_,
                [&](const Stranger& stranger) { return stranger.returned.hello.identity.worker == spec.name; }) ||
            (!site_.find(spec.name) && std::ranges::any_of(adoption_.missing(), [&](const auto& entry) {
                return entry.second.worker == spec.name;
            }))) {
            site_.add(spec);
            names.push_back(spec.name);
        }
    expect_children();
    for (Stranger& stranger : std::exchange(strangers_, {}))
        (void)give(std::move(stranger.returned), std::move(stranger.connection));
    adopt_silent_children(false);
    resume_workers();
    asio::co_spawn(site_.around().executor, adopt_late_children(), asio::detached);
    return names;
}

} // namespace mpsup
