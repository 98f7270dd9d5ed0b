#include "supervisor/daemon/cluster_link.h"

#include "base/joined.h"
#include "base/overloaded.h"
#include "base/process_identity.h"
#include "supervisor/cluster/etcd_client.h"
#include "supervisor/daemon/cluster_facts.h"
#include "supervisor/daemon/cluster_topologies.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/own_share.h"
#include "supervisor/daemon/vip_addresses.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
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

cluster::Time boot_now() { return cluster::Time(HeldAddress::now()); }

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

// What people should know of a machine at a glance.
std::string remark_on(const cluster::MachineStatus& machine) {
    if (!machine.problem.empty()) return "its record cannot be read: " + machine.problem;
    if (!machine.in_topology) return machine.lives ? "not in the topology" : "";
    if (machine.drifts) return "runs another topology than is wanted";
    return machine.record && !machine.record->well ? "not all of it serves" : "";
}

} // namespace

class ClusterLink::Impl : public std::enable_shared_from_this<ClusterLink::Impl> {
public:
    Impl(Site& site, Orders& orders, Takeover& takeover, ClusterOptions options)
        : site_(site),
          orders_(orders),
          takeover_(takeover),
          options_(std::move(options)),
          share_(site, orders, options_.machine),
          keys_(options_.prefix),
          client_(etcd_options(options_)),
          member_(identity_of(options_, site.around()), share_.store()),
          wake_(site.around().executor),
          told_(site.around().executor) {}

    asio::awaitable<void> run() {
        const auto self = shared_from_this();
        co_await takeover_.wait_until_over();
        share_.look_at_adopted();
        report_here();
        tell_facts(share_.report().runs.digest);
        spawn(keep_lease());
        spawn(follow());
        spawn(watch_site());
        if (!orders_.has_processes()) spawn(boot());
        while (!closed_) {
            member_.tick(now());
            act();
            vips_.look(boot_now());
            const auto rest =
                std::clamp(member_.next_tick() - boot_now(), cluster::Duration(1), cluster::Duration(pace));
            co_await wake_.wait_until(SteadyClock::now() + rest);
        }
    }

    void close() {
        closed_ = true;
        client_.cancel();
        wake_.ring();
        told_.ring();
    }

    asio::awaitable<Outcome> order(cluster::Order order, std::string who, Report report) {
        const auto self = shared_from_this();
        if (std::string unknown = unknown_in(order); !unknown.empty()) co_return Outcome{usage, std::move(unknown)};
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
        cluster::Order up = cluster::UpOrder{request.document, topology::digest_of(request.document), request.path,
                                             facts_of(*topology), fast};
        co_return co_await order(std::move(up), std::move(who), std::move(report));
    }

    asio::awaitable<Outcome> accept_store(std::string who, Report report) {
        cluster::Order accept = share_.applied();
        co_return co_await order(std::move(accept), std::move(who), std::move(report));
    }

    asio::awaitable<void> leave() {
        const auto self = shared_from_this();
        if (closed_ || std::exchange(is_leaving_, true)) co_return;
        member_.leave(now());
        act();
        vips_.drop_all();
        const auto deadline = SteadyClock::now() + pace;
        while (submitted_ > 0 && SteadyClock::now() < deadline) co_await told_.wait_until(deadline);
        if (lease_ != 0) spawn(give_back(std::exchange(lease_, 0)));
        while (is_giving_back_ && SteadyClock::now() < deadline) co_await told_.wait_until(deadline);
        close();
    }

    // Else it ends by itself.
    asio::awaitable<void> give_back(cluster::LeaseId lease) {
        is_giving_back_ = true;
        (void)co_await client_.revoke(lease);
        is_giving_back_ = false;
        told_.ring();
    }

    [[nodiscard]] const ClusterOptions& options() const { return options_; }
    [[nodiscard]] cluster::ClusterStatus status() const { return member_.status(now()); }

    [[nodiscard]] std::string topologies() const { return topologies_.json(); }

    [[nodiscard]] std::vector<ClusterMachine> machines() const {
        std::vector<ClusterMachine> machines;
        for (const cluster::MachineStatus& machine : member_.status(now()).machines) {
            ClusterMachine one{.name = machine.name,
                               .address = address_of(machine.name),
                               .api = machine.record ? machine.record->api : "",
                               .state = std::string(cluster::to_string(machine.state)),
                               .number = machine.record ? machine.record->runs.number : 0,
                               .is_here = machine.name == options_.machine,
                               .note = remark_on(machine)};
            machines.push_back(std::move(one));
        }
        // Before the others were heard of there is one machine.
        if (std::ranges::none_of(machines, &ClusterMachine::is_here))
            machines.push_back({.name = options_.machine,
                                .address = address_of(options_.machine),
                                .state = std::string(cluster::to_string(cluster::MachineStatus::State::absent)),
                                .is_here = true});
        return machines;
    }

private:
    [[nodiscard]] std::string unknown_in(const cluster::Order& order) const {
        if (const auto* restart = std::get_if<cluster::RestartOrder>(&order))
            return share_.unknown_in(restart->workers);
        if (const auto* back = std::get_if<cluster::RollBackOrder>(&order)) return share_.unknown_in(back->workers);
        return {};
    }

    // In the log once: status says it always.
    void note_state(const cluster::ClusterStatus& status) {
        const std::string state =
            std::string(cluster::to_string(status.state)) + (status.why.empty() ? "" : ": " + status.why);
        if (std::exchange(noted_, state) == state) return;
        log_line(status.state == cluster::ClusterStatus::State::connected ? "info" : "warning", "cluster: " + state);
    }

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
        const topology::Machine* found = topology::find_machine(site_.applied()->topology, machine);
        return found ? found->ip : "";
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
            if (closed_ || is_leaving_) co_return;
            if (!granted) {
                unreachable(granted.error());
                client_.end_watches(); // what it knows is learnt anew with the lease
                co_await rest(pause);
                continue;
            }
            pause = first_pause;
            lease_ = granted->lease;
            member_.on_lease(lease_, sent + granted->left, now());
            act();
            co_await renew(sent + granted->left);
            if (closed_ || is_leaving_) co_return;
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
            if (closed_ || is_leaving_) co_return;
            const auto kept = co_await client_.keep_alive(lease_);
            if (closed_ || is_leaving_) co_return;
            pause = kept ? std::chrono::milliseconds(cluster::renewal) : renewal_again;
            if (!kept) {
                unreachable(kept.error());
                client_.end_watches(); // it may hear nothing either, and not know it
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
            member_.on_listed(*listed, now());
            act();
            const auto began = SteadyClock::now();
            co_await watch(listed->header.revision + 1);
            // One that is refused at once is not asked for as fast as etcd can refuse it.
            if (SteadyClock::now() - began < first_pause)
                co_await rest(pause);
            else
                pause = first_pause;
        }
    }

    asio::awaitable<void> watch(cluster::Revision from) {
        const Error over = co_await client_.watch(cluster::KeyRange::prefix(member_.prefix()), from,
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
            co_await share_.count_in_flight();
            if (closed_) co_return;
            report_here();
            act();
            cluster::ClusterStatus status = member_.status(now()); // all machines are in it: once a second
            note_state(status);
            co_await topologies_.refresh(client_, keys_, std::move(status));
            co_await pause_for(pace);
        }
    }

    // Of the topology that runs here.
    void tell_facts(const std::string& digest) {
        if (auto facts = share_.facts()) member_.on_facts(digest, std::move(*facts), now());
    }

    void report_here() { member_.on_local(share_.report(), now()); }

    // Nothing runs, as after the machine was started, and nothing is wanted of it: the store is not heard, or changes pass it by.
    asio::awaitable<void> boot() {
        const auto deadline = SteadyClock::now() + boot_patience;
        while (!closed_ && !share_.is_working() && SteadyClock::now() < deadline) co_await pause_for(first_pause);
        if (closed_ || share_.is_working() || orders_.has_processes()) co_return;
        co_await share_.bring_up_last();
        tell_facts(share_.report().runs.digest);
        report_here();
        act();
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
                           client_.end_watches();
                       },
                       [&](cluster::Check& check) { member_.on_checked(share_.check(check), now()); },
                       [&](cluster::Do& work) { spawn(carry_out(std::move(work))); },
                       [&](cluster::TakeBack& back) {
                           log_line("info", "the cluster takes it back: " + back.reason);
                           (void)orders_.say_to_rollout(false);
                       },
                       [&](cluster::PromoteNow&) { (void)orders_.say_to_rollout(true); },
                       [&](cluster::Tell& tell) { pass_on(tell); },
                       [&](cluster::Backends& backends) { share_.leave_out(std::move(backends.out)); },
                       [&](cluster::HoldVip& hold) { vips_.hold(hold.address, hold.until); },
                       [&](cluster::Remember& remember) { share_.remember(std::move(remember.memory)); },
                   },
                   effect);
    }

    asio::awaitable<void> send(cluster::Submit submit) {
        ++submitted_;
        failpoint();
        const auto reply = co_await client_.transact(submit.transaction);
        failpoint();
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

    asio::awaitable<void> carry_out(cluster::Do work) {
        Report report = to_askers();
        const Outcome outcome = co_await share_.carry_out(work, std::move(report));
        if (closed_) co_return;
        report_here();
        tell_facts(work.to.digest);
        member_.on_done({work.change, work.round, outcome.code == 0, outcome.text}, now());
        act();
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
    OwnShare share_;
    VipAddresses vips_;
    cluster::Keys keys_;
    ClusterTopologies topologies_;
    cluster::EtcdClient client_;
    cluster::Member member_;
    cluster::LeaseId lease_ = 0;
    std::map<cluster::AskId, Asked> asked_;
    cluster::AskId last_ask_ = 0;
    int submitted_ = 0; // that are not answered
    Bell wake_, told_;
    std::string noted_; // how the cluster is, as the log has it
    bool is_acting_ = false;
    bool is_leaving_ = false;
    bool is_giving_back_ = false;
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

std::string ClusterLink::topologies() const { return impl_->topologies(); }

bool ClusterLink::knows(const std::string& ip) const {
    return std::ranges::any_of(machines(), [&](const ClusterMachine& machine) {
        return machine.address == ip || Address::parse(machine.api).value_or(Address{}).ip == ip;
    });
}

} // namespace mpsup
