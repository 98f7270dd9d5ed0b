#include "supervisor/daemon/cluster_link.h"

#include "base/joined.h"
#include "base/overloaded.h"
#include "base/process_identity.h"
#include "state/queries.h"
#include "supervisor/cluster/etcd_client.h"
#include "supervisor/daemon/cluster_facts.h"
#include "supervisor/daemon/cluster_memory.h"
#include "supervisor/daemon/obstacles.h"
#include "supervisor/daemon/operations.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using cluster::Moment;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr int failed = 1;
constexpr int usage = 2;
constexpr int bad_topology = 78;
constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds longest_pause{5'000};
constexpr std::chrono::milliseconds renewal_again{1'000}; // after one that failed
constexpr std::chrono::milliseconds pace{1'000};          // of looking whether something changed here
constexpr std::chrono::milliseconds boot_patience{3'000}; // before what ran last is brought up without being asked

cluster::Time boot_now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return cluster::Time(std::chrono::duration_cast<cluster::Duration>(std::chrono::seconds(time.tv_sec) +
                                                                       std::chrono::nanoseconds(time.tv_nsec)));
}

Moment now() { return {boot_now(), cluster::WallTime(wall_clock_ms())}; }

cluster::EtcdOptions etcd_options(const ClusterOptions& options) {
    cluster::EtcdOptions etcd;
    etcd.endpoints =
        cluster::read_endpoints(joined(options.endpoints, ",")).value_or(std::vector<cluster::EtcdEndpoint>{});
    etcd.user = options.user;
    etcd.password_file = options.password_file;
    etcd.tls = {options.ca, options.certificate, options.key};
    return etcd;
}

cluster::Identity identity_of(const ClusterOptions& options, const Surroundings& around) {
    return {.prefix = options.prefix,
            .machine = options.machine,
            .instance = random_uuid(),
            .boot = around.boot,
            .version = MPSUP_VERSION,
            .address = Address::parse(options.peer).value_or(Address{}).ip,
            .api = options.peer};
}

std::string memory_path(const Surroundings& around) { return around.paths.state_dir() + "/cluster"; }

} // namespace

class ClusterLink::Impl : public std::enable_shared_from_this<ClusterLink::Impl> {
public:
    Impl(Site& site, Orders& orders, Takeover& takeover, ClusterOptions options)
        : site_(site),
          orders_(orders),
          takeover_(takeover),
          options_(std::move(options)),
          memory_(read_cluster_memory(memory_path(site.around()))),
          client_(etcd_options(options_)),
          member_(identity_of(options_, site.around()), memory_.store),
          wake_(site.around().executor),
          told_(site.around().executor) {}

    asio::awaitable<void> run() {
        const auto self = shared_from_this();
        co_await takeover_.wait_until_over();
        if (!site_.applied() || site_.applied()->digest != memory_.document) memory_.runs = {};
        report_here();
        if (site_.applied() && site_.applied()->topology.whole)
            member_.on_facts(memory_.runs.digest, facts_of(*site_.applied()->topology.whole), now());
        spawn(keep_lease());
        spawn(follow());
        spawn(watch_site());
        if (!orders_.has_processes()) spawn(boot());
        while (!closed_) {
            member_.tick(now());
            act();
            const auto rest =
                std::clamp(member_.next_tick() - boot_now(), cluster::Duration(1), cluster::Duration(pace));
            co_await wake_.wait_until(SteadyClock::now() + rest);
        }
    }

    void close() {
        closed_ = true;
        client_.cancel();
        if (watcher_) watcher_->cancel();
        wake_.ring();
        told_.ring();
    }

    asio::awaitable<Outcome> order(cluster::Order order, std::string who, Report report) {
        const auto self = shared_from_this();
        const cluster::AskId id = ++last_ask_;
        asked_[id].report = std::move(report);
        member_.ask({id, std::move(order), std::move(who), options_.machine, {}}, now());
        act();
        while (!asked_[id].outcome && !closed_) co_await told_.wait_until(SteadyClock::now() + pace);
        const Outcome outcome = asked_[id].outcome.value_or(Outcome{failed, "the supervisor ends"});
        asked_.erase(id);
        co_return outcome;
    }

    asio::awaitable<Outcome> up(UpRequest request, bool fast, std::string who, Report report) {
        const auto topology = topology::from_document(request.document);
        if (!topology) co_return Outcome{bad_topology, topology.error().to_string()};
        if (!topology::is_for_several(*topology))
            co_return Outcome{bad_topology,
                              "this supervisor is one of several, and " + request.path +
                                  " names no machines; name them (`machines`), and where each worker is (`on`)"};
        cluster::UpOrder up{request.document, topology::digest_of(request.document), request.path, facts_of(*topology),
                            fast};
        co_return co_await order(std::move(up), std::move(who), std::move(report));
    }

    asio::awaitable<Outcome> accept_store(std::string who, Report report) {
        cluster::AcceptStoreOrder accept;
        if (site_.applied() && site_.applied()->topology.whole)
            accept = {topology::to_document(*site_.applied()->topology.whole), site_.applied()->path};
        co_return co_await order(std::move(accept), std::move(who), std::move(report));
    }

    asio::awaitable<void> leave() {
        const auto self = shared_from_this();
        member_.leave(now());
        act();
        const auto deadline = SteadyClock::now() + pace;
        while (submitted_ > 0 && SteadyClock::now() < deadline) co_await told_.wait_until(deadline);
        const cluster::LeaseId lease = std::exchange(lease_, 0);
        if (lease != 0) (void)co_await client_.revoke(lease); // else it ends by itself
        close();
    }

    [[nodiscard]] const ClusterOptions& options() const { return options_; }
    [[nodiscard]] cluster::ClusterStatus status() const { return member_.status(now()); }

    [[nodiscard]] std::vector<ClusterMachine> machines() const {
        std::vector<ClusterMachine> machines;
        for (const cluster::MachineStatus& machine : member_.status(now()).machines) {
            ClusterMachine one{.name = machine.name,
                               .address = address_of(machine.name),
                               .api = machine.record ? machine.record->api : "",
                               .state = std::string(cluster::to_string(machine.state)),
                               .number = machine.record ? machine.record->runs.number : 0,
                               .is_here = machine.name == options_.machine};
            machines.push_back(std::move(one));
        }
        return machines;
    }

private:
    struct Asked {
        Report report;
        std::optional<Outcome> outcome;
    };

    void spawn(asio::awaitable<void> task) {
        asio::co_spawn(site_.around().executor, std::move(task),
                       [self = shared_from_this()](const std::exception_ptr& thrown) {
                           if (thrown) log_line("error", "a coroutine of the cluster ended by an exception");
                       });
    }

    [[nodiscard]] std::string address_of(const std::string& machine) const {
        if (!site_.applied()) return {};
        const auto& machines = site_.applied()->topology.machines;
        const auto found = std::ranges::find(machines, machine, &topology::Machine::name);
        return found == machines.end() ? "" : found->ip;
    }

    // A random part of it, so that a thousand machines do not ask a store that comes back at one moment.
    [[nodiscard]] asio::awaitable<void> rest(std::chrono::milliseconds& pause) {
        std::uniform_int_distribution<std::int64_t> part(pause.count() / 2, pause.count());
        const std::chrono::milliseconds time(part(site_.around().chance));
        pause = std::min(pause * 2, longest_pause);
        co_await pause_for(time);
    }

    // The store

    asio::awaitable<void> keep_lease() {
        auto pause = first_pause;
        while (!closed_) {
            const cluster::Time sent = boot_now();
            const auto granted = co_await client_.grant(cluster::lease_time);
            if (closed_) co_return;
            if (!granted) {
                unreachable(granted.error());
                co_await rest(pause);
                continue;
            }
            pause = first_pause;
            lease_ = granted->lease;
            member_.on_lease(lease_, sent + granted->left, now());
            act();
            co_await renew(sent + granted->left);
            if (closed_) co_return;
            lease_ = 0;
            member_.on_lease_lost(now());
            act();
        }
    }

    // Until it is over, by the store's word or by our own clock.
    asio::awaitable<void> renew(cluster::Time until) {
        std::chrono::milliseconds pause = cluster::renewal;
        while (!closed_ && boot_now() < until) {
            co_await pause_for(pause);
            const cluster::Time sent = boot_now();
            if (closed_) co_return;
            const auto kept = co_await client_.keep_alive(lease_);
            if (closed_) co_return;
            pause = kept ? std::chrono::milliseconds(cluster::renewal) : renewal_again;
            if (!kept) {
                unreachable(kept.error());
                if (watcher_) watcher_->cancel(); // it may hear nothing either, and not know it
                continue;
            }
            if (kept->left.count() <= 0) co_return;
            until = sent + kept->left;
            member_.on_lease(lease_, until, now());
            act();
        }
    }

    asio::awaitable<void> follow() {
        auto pause = first_pause;
        while (!closed_) {
            const auto listed = co_await client_.transact(member_.listing());
            if (closed_) co_return;
            if (!listed) {
                unreachable(listed.error());
                co_await rest(pause);
                continue;
            }
            pause = first_pause;
            member_.on_listed(*listed, now());
            act();
            co_await watch(listed->header.revision + 1);
        }
    }

    asio::awaitable<void> watch(cluster::Revision from) {
        watcher_ = std::make_shared<cluster::EtcdClient>(etcd_options(options_));
        const auto watcher = watcher_;
        const Error over = co_await watcher->watch(cluster::KeyRange::prefix(member_.prefix()), from,
                                                   [this](const cluster::WatchNews& news) {
                                                       if (closed_) return;
                                                       member_.on_news(news, now());
                                                       act();
                                                   });
        if (!closed_ && over.code != std::errc::operation_canceled)
            log_line("info", "etcd's watch ended: " + over.to_string());
    }

    void unreachable(const Error& why) {
        member_.on_unreachable(why.to_string(), now());
        act();
    }

    // This machine

    asio::awaitable<void> watch_site() {
        while (!closed_) {
            report_here();
            act();
            co_await pause_for(pace);
        }
    }

    void report_here() {
        cluster::LocalReport report;
        report.runs = memory_.runs;
        report.busy = !orders_.running().empty() && !is_working_;
        report.well = true;
        for (const auto& worker : site_.workers()) {
            const core::Worker& core = worker->core();
            if (!core.wants_to_run()) continue;
            const auto state = core.state();
            report.well = report.well && (state == core::WorkerState::ready || state == core::WorkerState::degraded);
            report.workers.push_back(
                {worker->spec().name, std::string(core::to_string(state)), core.ready(), core.wanted()});
        }
        member_.on_local(std::move(report), now());
    }

    // Nothing runs, as after the machine was started.
    asio::awaitable<void> boot() {
        const auto deadline = SteadyClock::now() + boot_patience;
        while (!closed_ && SteadyClock::now() < deadline && !is_working_) {
            if (member_.status(now()).state == cluster::ClusterStatus::State::connected)
                co_return; // it says what is wanted
            co_await pause_for(first_pause);
        }
        if (closed_ || is_working_ || orders_.has_processes()) co_return;
        const auto queries = state::Queries::open_any(site_.around().paths.database());
        const auto row = queries ? queries->last_topology().value_or(std::nullopt) : std::nullopt;
        if (!row || row->digest != read_cluster_memory(memory_path(site_.around())).document) co_return;
        log_line("warning", "etcd does not answer: what ran here last is brought up");
        const ClusterMemory last = read_cluster_memory(memory_path(site_.around()));
        UpRequest request{row->document, row->path};
        Report report = to_log();
        const Outcome outcome = co_await orders_.up("up", std::move(request), std::move(report), UpManner{});
        if (outcome.code == 0) memory_.runs = last.runs;
        report_here();
        act();
    }

    static Report to_log() {
        return [](const ReportLine& line) { log_line("info", line.text); };
    }

    // Effects

    void act() {
        if (std::exchange(is_acting_, true)) return;
        for (auto effects = member_.take_effects(); !effects.empty(); effects = member_.take_effects())
            for (cluster::Effect& effect : effects) perform(effect);
        is_acting_ = false;
        wake_.ring();
    }

    void perform(cluster::Effect& effect) {
        std::visit(Overloaded{
                       [&](cluster::Submit& submit) { spawn(send(std::move(submit))); },
                       [&](cluster::Relist& relist) {
                           log_line("info", "etcd is listed anew: " + relist.reason);
                           if (watcher_) watcher_->cancel();
                       },
                       [&](cluster::Check& check) { answer_check(check); },
                       [&](cluster::Do& work) { spawn(carry_out(std::move(work))); },
                       [&](cluster::TakeBack& back) {
                           log_line("info", "the cluster takes it back: " + back.reason);
                           (void)orders_.say_to_rollout(false);
                       },
                       [&](cluster::PromoteNow&) { (void)orders_.say_to_rollout(true); },
                       [&](cluster::Tell& tell) { pass_on(tell); },
                       [&](cluster::Backends& backends) {
                           out_ = std::move(backends.out);
                           apply_backends();
                       },
                       [&](cluster::HoldVip& hold) { hold_address(hold); },
                       [&](cluster::Remember& remember) {
                           memory_.store = std::move(remember.memory);
                           write_down();
                       },
                   },
                   effect);
    }

    asio::awaitable<void> send(cluster::Submit submit) {
        ++submitted_;
        const auto reply = co_await client_.transact(std::move(submit.transaction));
        --submitted_;
        told_.ring();
        if (closed_) co_return;
        member_.on_answer(submit.request, reply, now());
        act();
    }

    void pass_on(const cluster::Tell& tell) {
        const auto asked = asked_.find(tell.ask);
        if (asked == asked_.end()) return;
        if (tell.code)
            asked->second.outcome = Outcome{*tell.code, tell.text};
        else if (asked->second.report)
            asked->second.report(tell.text);
        told_.ring();
    }

    void apply_backends() {
        if (!site_.applied() || !site_.applied()->topology.whole) return;
        (void)addresses_of(*site_.applied()->topology.whole, out_);
    }

    void hold_address(const cluster::HoldVip& hold) { (void)hold; }

    void write_down() {
        if (auto written = write_cluster_memory(memory_path(site_.around()), memory_); !written)
            log_line("warning", written.error().to_string());
    }

    // Work

    // Its share of a document, or why there is none.
    [[nodiscard]] std::expected<topology::Topology, std::string> share_in(const std::string& document) const {
        const auto whole = topology::from_document(document);
        if (!whole) return std::unexpected("mpsup " MPSUP_VERSION " cannot read it: " + whole.error().to_string());
        if (whole->site != orders_.site_name()) return std::unexpected("it is of the site " + whole->site);
        return topology::share_of(*whole, options_.machine);
    }

    void answer_check(const cluster::Check& check) {
        cluster::Checked checked{.change = check.change, .to = check.to};
        const auto share = share_in(check.document);
        if (!share) {
            checked.reasons.push_back(share.error());
        } else {
            checked.reasons = obstacles_to(*share, share->vip.ip);
            checked.facts = facts_of(*share->whole);
        }
        checked.accepted = checked.reasons.empty();
        member_.on_checked(std::move(checked), now());
    }

    asio::awaitable<void> carry_out(cluster::Do work) {
        is_working_ = true;
        Outcome outcome = co_await outcome_of(work);
        while (outcome.code == Outcome::busy && !closed_ && !orders_.is_closed()) { // something of this machine's own
            co_await pause_for(pace);
            outcome = co_await outcome_of(work);
        }
        is_working_ = false;
        if (closed_) co_return;
        report_here();
        member_.on_done({work.change, work.round, outcome.code == 0, outcome.text}, now());
        act();
    }

    // No coroutine: nothing of a temporary's life spans an await here.
    asio::awaitable<Outcome> perform(std::string name, asio::awaitable<Outcome> what, const cluster::Do& work) {
        return orders_.perform(std::move(name), std::move(what), work.workers);
    }

    asio::awaitable<Outcome> outcome_of(const cluster::Do& work) {
        if (work.kind == cluster::ChangeRecord::Kind::restart && work.round != cluster::Round::undoing)
            co_return co_await perform("restart", restart(site_, work.workers, work.fast, to_askers()), work);
        if (!work.workers.empty())
            co_return co_await perform("rollback", roll_back(site_, work.workers, to_askers()), work);
        co_return co_await bring(work);
    }

    asio::awaitable<Outcome> bring(const cluster::Do& work) {
        if (work.to.number == 0) co_return co_await bring_nothing();
        const auto share = share_in(work.document);
        if (!share) co_return Outcome{bad_topology, share.error()};
        const bool is_way_back =
            work.round == cluster::Round::undoing || work.kind == cluster::ChangeRecord::Kind::rollback;
        const UpManner how{.all_anew = false, .fast = work.fast || is_way_back};
        // Named, because GCC 12 destroys such temporaries of an await twice.
        std::string name = "up";
        if (is_way_back) name = "rollback";
        UpRequest request{topology::to_document(*share), work.path};
        Report report = to_askers();
        const Outcome outcome = co_await orders_.up(std::move(name), std::move(request), std::move(report), how);
        if (outcome.code != 0) co_return outcome;
        memory_.runs = work.to;
        memory_.document = site_.applied() ? site_.applied()->digest : "";
        write_down();
        apply_backends();
        co_return outcome;
    }

    // What there was before the first topology.
    asio::awaitable<Outcome> bring_nothing() {
        if (!site_.applied()) co_return Outcome{0, "nothing runs"};
        AppliedTopology none = *site_.applied();
        none.topology.workers.clear();
        const BringUp how{.all_anew = false, .fast = true, .asks_pre_roll = false};
        auto undo = bring_up(site_, std::move(none), to_askers(), how);
        Outcome outcome = co_await orders_.perform("rollback", std::move(undo));
        if (outcome.code != 0) co_return outcome;
        memory_.runs = {};
        memory_.document.clear();
        write_down();
        co_return outcome;
    }

    // What happens here, for those who wait here for the whole of it.
    [[nodiscard]] Report to_askers() {
        return [self = shared_from_this()](const ReportLine& line) {
            log_line("info", line.text);
            for (auto& [id, asked] : self->asked_) {
                ReportLine named = line;
                named.text = self->options_.machine + ": " + line.text;
                if (asked.report && !asked.outcome) asked.report(named);
            }
        };
    }

    Site& site_;
    Orders& orders_;
    Takeover& takeover_;
    ClusterOptions options_;
    ClusterMemory memory_;
    cluster::EtcdClient client_;
    std::shared_ptr<cluster::EtcdClient> watcher_; // of the watch that runs
    cluster::Member member_;
    cluster::LeaseId lease_ = 0;
    std::map<cluster::AskId, Asked> asked_;
    cluster::AskId last_ask_ = 0;
    std::vector<std::string> out_; // machines to which nothing is sent
    int submitted_ = 0;            // that are not answered
    Bell wake_, told_;
    bool is_acting_ = false;
    bool is_working_ = false;
    bool closed_ = false;
};

ClusterLink::ClusterLink(Site& site, Orders& orders, Takeover& takeover, ClusterOptions options)
    : impl_(std::make_shared<Impl>(site, orders, takeover, std::move(options))) {}
ClusterLink::~ClusterLink() { impl_->close(); }

asio::awaitable<void> ClusterLink::run() { return impl_->run(); }
asio::awaitable<Outcome> ClusterLink::order(cluster::Order order, std::string who, Report report) {
    return impl_->order(std::move(order), std::move(who), std::move(report));
}
asio::awaitable<Outcome> ClusterLink::up(UpRequest request, bool fast, std::string who, Report report) {
    return impl_->up(std::move(request), fast, std::move(who), std::move(report));
}
asio::awaitable<Outcome> ClusterLink::accept_store(std::string who, Report report) {
    return impl_->accept_store(std::move(who), std::move(report));
}
asio::awaitable<void> ClusterLink::leave() { return impl_->leave(); }
const ClusterOptions& ClusterLink::options() const { return impl_->options(); }
cluster::ClusterStatus ClusterLink::status() const { return impl_->status(); }
std::vector<ClusterMachine> ClusterLink::machines() const { return impl_->machines(); }

} // namespace mpsup
