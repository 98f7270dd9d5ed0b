#include "supervisor/daemon/cluster_link.h"

#include "base/joined.h"
#include "base/overloaded.h"
#include "base/process_identity.h"
#include "supervisor/cluster/etcd_client.h"
#include "supervisor/daemon/cluster_asks.h"
#include "supervisor/daemon/cluster_facts.h"
#include "supervisor/daemon/cluster_machines.h"
#include "supervisor/daemon/cluster_store.h"
#include "supervisor/daemon/cluster_topologies.h"
#include "supervisor/daemon/kept_going.h"
#include "supervisor/daemon/moment_now.h"
#include "supervisor/daemon/own_share.h"
#include "supervisor/daemon/under_way.h"
#include "supervisor/daemon/vip_addresses.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr int usage = 2;
constexpr int bad_topology = 78;
constexpr std::chrono::milliseconds pace{1'000};          // of looking whether something changed here
constexpr std::chrono::milliseconds boot_patience{3'000}; // before what ran last is brought up without being asked
constexpr std::chrono::milliseconds look_again{200};
constexpr std::chrono::milliseconds first_boot_pause{1'000}; // before it is tried again; doubled each time
constexpr std::chrono::milliseconds longest_boot_pause{30'000};
constexpr std::chrono::milliseconds after_exception{5'000};
constexpr std::chrono::seconds between_certificates{10}; // tries to have one

cluster::EtcdOptions etcd_options(const ClusterOptions& options) {
    cluster::EtcdOptions etcd;
    etcd.endpoints =
        cluster::read_endpoints(joined(options.endpoints, ",")).value_or(std::vector<cluster::EtcdEndpoint>{});
    etcd.user = options.user;
    etcd.password_file = options.password_file;
    etcd.tls = {options.ca, options.certificate, options.key};
    return etcd;
}

PeerTrust trust_of(const ClusterOptions& options, const SitePaths& paths) {
    return PeerTrust({.files = {options.peer_ca, options.peer_certificate, options.peer_key},
                      .own_file = paths.state_dir() + "/peer.pem",
                      .machine = options.machine});
}

cluster::Identity identity_of(const ClusterOptions& options, const Surroundings& around, const PeerTrust& trust) {
    return {.prefix = options.prefix,
            .machine = options.machine,
            .instance = random_uuid(),
            .boot = around.boot,
            .version = MPSUP_VERSION,
            .address = Address::parse(options.peer).value_or(Address{}).ip,
            .api = options.peer,
            .fingerprint = trust.fingerprint()};
}

} // namespace

class ClusterLink::Impl : public std::enable_shared_from_this<ClusterLink::Impl> {
public:
    Impl(Site& site, Orders& orders, Takeover& takeover, ClusterOptions options)
        : site_(site),
          orders_(orders),
          takeover_(takeover),
          options_(std::move(options)),
          trust_(trust_of(options_, site.around().paths)),
          share_(site, orders, options_.machine),
          keys_(options_.prefix),
          member_(identity_of(options_, site.around(), trust_), share_.store()),
          store_(site.around().executor, etcd_options(options_), member_, site.around().chance, [this] { act(); }),
          asks_(site.around().executor),
          wake_(site.around().executor) {}

    asio::awaitable<void> run() {
        const auto self = shared_from_this();
        co_await takeover_.wait_until_over();
        share_.look_at_adopted();
        report_here();
        tell_facts(share_.report().runs.digest);
        keep("the lease at etcd", [this] { return store_.keep_lease(); });
        keep("the watch of etcd", [this] { return store_.follow(); });
        keep("the watch of this machine", [this] { return watch_site(); });
        keep("the watch of what was applied", [this] { return watch_topologies(); });
        keep("the clock of the cluster", [this] { return keep_time(); });
        keep("the count of what is in flight", [this] { return count_in_flight(); });
        if (!orders_.has_processes()) spawn(boot());
    }

    void close() {
        closed_ = true;
        store_.close();
        asks_.close();
        share_.close();
        wake_.ring();
    }

    asio::awaitable<Outcome> order(cluster::Order order, std::string who, Report report) {
        const auto self = shared_from_this();
        if (std::string unknown = unknown_in(order); !unknown.empty()) co_return Outcome{usage, std::move(unknown)};
        const cluster::AskId id = asks_.begin(std::move(report));
        member_.ask({id, std::move(order), std::move(who), options_.machine, {}}, moment_now());
        act();
        const Outcome outcome = co_await asks_.end_of(id);
        co_return outcome;
    }

    asio::awaitable<Outcome> up(UpRequest request, bool fast, std::string who, Report report) {
        const auto topology = topology::from_document(request.document);
        if (!topology) co_return Outcome{bad_topology, topology.error().to_string()};
        if (!topology::is_for_several(*topology))
            co_return Outcome{
                bad_topology,
                "this supervisor is one of several, and " + request.path +
                    " is for one machine; name all of them (`machines`), and where each worker is (`on`)"};
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
        store_.leave();
        member_.leave(moment_now());
        act();
        vips_.drop_all();
        const auto deadline = SteadyClock::now() + pace;
        co_await store_.wait_until_quiet(deadline);
        if (!member_.may_have_address(moment_now())) spawn(store_.give_lease_back());
        co_await store_.wait_until_quiet(deadline);
        close();
    }

    // Before this process becomes another program.
    void flush() { share_.flush(); }

    [[nodiscard]] const PeerTrust& trust() const { return trust_; }
    [[nodiscard]] const ClusterOptions& options() const { return options_; }
    [[nodiscard]] cluster::ClusterStatus status() const { return member_.status(moment_now()); }

    [[nodiscard]] std::string topologies() const { return topologies_.json(member_.status(moment_now())); }

    [[nodiscard]] std::vector<ClusterMachine> machines() const {
        return cluster_machines(member_.status(moment_now()), options_.machine, topology(), trouble());
    }

    [[nodiscard]] bool has_address(const std::string& ip) const {
        const auto is_there = [&](const topology::Machine& machine) { return machine.ip == ip; };
        if (topology() && std::ranges::any_of(topology()->machines, is_there)) return true;
        return any_lives([&](const cluster::MachineRecord& machine) {
            return machine.address == ip || machine.api.starts_with(ip + ":") ||
                   machine.api.starts_with("[" + ip + "]:");
        });
    }

    [[nodiscard]] bool has_certificate(const std::string& fingerprint) const {
        return any_lives([&](const cluster::MachineRecord& machine) { return machine.fingerprint == fingerprint; });
    }

private:
    template <typename Condition> [[nodiscard]] bool any_lives(Condition condition) const {
        return std::ranges::any_of(member_.machines(),
                                   [&](const auto& known) { return condition(known.second.value); });
    }

    [[nodiscard]] std::string unknown_in(const cluster::Order& order) const {
        if (const auto* restart = std::get_if<cluster::RestartOrder>(&order))
            return share_.unknown_in(restart->workers, restart->machines);
        if (const auto* back = std::get_if<cluster::RollBackOrder>(&order))
            return share_.unknown_in(back->workers, back->machines);
        return {};
    }

    // In the log once: status says it always.
    void note_state(const cluster::ClusterStatus& status) {
        const std::string state =
            std::string(cluster::to_string(status.state)) + (status.why.empty() ? "" : ": " + status.why);
        if (std::exchange(noted_, state) == state) return;
        log_line(status.state == cluster::ClusterStatus::State::connected ? "info" : "warning", "cluster: " + state);
    }

    // Once for each topology: a name that was misspelt, or a machine that has none of the site yet, or any more.
    void note_stranger(const cluster::ClusterStatus& status) {
        const std::string words = cluster::words_on_stranger(status, options_.machine);
        const std::string digest = status.wanted ? status.wanted->now.digest : share_.report().runs.digest;
        if (words.empty() || std::exchange(strange_to_, digest) == digest) return;
        log_line("warning", "this machine, " + options_.machine + ", is " + words);
    }

    void spawn(asio::awaitable<void> task) {
        asio::co_spawn(site_.around().executor, std::move(task),
                       [self = shared_from_this()](const std::exception_ptr& thrown) {
                           if (!thrown) return;
                           log_line("error", "a coroutine of the cluster ended by an exception");
                           self->store_.list_anew();
                       });
    }

    // What an exception cut short may have left effects undone: with a listing the member asks for them again.
    void keep(std::string name, std::function<asio::awaitable<void>()> work) {
        const auto begin = [this, work = std::move(work), is_first = true]() mutable {
            if (!std::exchange(is_first, false)) store_.list_anew();
            return work();
        };
        spawn(keep_going({std::move(name), begin, [this] { return closed_; }, after_exception}));
    }

    // That runs here; nullptr: none.
    [[nodiscard]] const topology::Topology* topology() const {
        return site_.applied() ? &site_.applied()->topology : nullptr;
    }

    // This machine

    // Beside the report: a worker that does not answer holds nothing else up.
    asio::awaitable<void> count_in_flight() {
        while (!closed_) {
            co_await share_.count_in_flight();
            co_await pause_for(pace);
        }
    }

    [[nodiscard]] std::string trouble() const {
        std::vector<std::string> all;
        if (!trust_.problem().empty()) all.push_back("has no certificate to be known by: " + trust_.problem());
        if (!store_.write_problem().empty()) all.push_back("etcd takes nothing from it: " + store_.write_problem());
        return joined(all, "; ");
    }

    // The disk was full when this supervisor began, say.
    void mind_certificate() {
        if (trust_.problem().empty() || SteadyClock::now() < certificate_due_) return;
        certificate_due_ = SteadyClock::now() + between_certificates;
        if (!trust_.try_again()) return;
        log_line("info", "this machine has a certificate now: supervisors can ask each other");
        member_.on_certificate(trust_.fingerprint(), moment_now());
    }

    asio::awaitable<void> watch_site() {
        while (!closed_) {
            mind_certificate();
            report_here();
            act();
            if (is_to_go_back_ && share_.is_working()) // it had not begun when it was told so
                is_to_go_back_ = orders_.say_to_rollout(false).code != 0;
            cluster::ClusterStatus status = member_.status(moment_now()); // all machines are in it: once a second
            note_state(status);
            note_stranger(status);
            status.machines.clear(); // there may be thousands, and who follows what was applied needs none
            status_ = std::move(status);
            co_await pause_for(pace);
        }
    }

    // Apart from the watch of the site: etcd may take its time.
    asio::awaitable<void> watch_topologies() {
        while (!closed_) {
            cluster::ClusterStatus status = status_;
            co_await topologies_.refresh(store_.client(), keys_, std::move(status));
            co_await pause_for(pace);
        }
    }

    asio::awaitable<void> keep_time() {
        while (!closed_) {
            member_.tick(moment_now());
            act();
            vips_.look();
            const auto rest =
                std::clamp(member_.next_tick() - boot_now(), cluster::Duration(1), cluster::Duration(pace));
            co_await wake_.wait_until(SteadyClock::now() + rest);
        }
    }

    // Of the topology that runs here.
    void tell_facts(const std::string& digest) {
        if (auto facts = share_.facts()) member_.on_facts(digest, std::move(*facts), moment_now());
    }

    void report_here() { member_.on_local(share_.report(), moment_now()); }

    // Nothing runs, as after the machine was started, and nothing is at work: the store is not heard, changes pass the machine by, or
    // what they brought failed.
    [[nodiscard]] bool is_dark() const {
        return !closed_ && !share_.is_settled() && !share_.is_working() && !orders_.has_processes();
    }

    asio::awaitable<void> stay_dark_for(std::chrono::milliseconds time) {
        const auto deadline = SteadyClock::now() + time;
        while (is_dark() && SteadyClock::now() < deadline) co_await pause_for(look_again);
    }

    // An address, a mount or a certificate may come later than the supervisor.
    asio::awaitable<void> boot() {
        co_await stay_dark_for(boot_patience);
        bool is_over = false, is_again = false;
        for (auto pause = first_boot_pause; !is_over && !closed_ && !share_.is_settled();) {
            if (!is_dark()) {
                co_await pause_for(look_again);
                continue;
            }
            is_over = co_await share_.bring_up_last(std::exchange(is_again, true));
            if (!is_over) co_await stay_dark_for(std::exchange(pause, std::min(pause * 2, longest_boot_pause)));
        }
        tell_facts(share_.report().runs.digest);
        report_here();
        act();
    }

    // Effects

    void act() {
        if (acting_ > 0) return;
        {
            const UnderWay one(acting_);
            for (auto effects = member_.take_effects(); !effects.empty(); effects = member_.take_effects())
                for (cluster::Effect& effect : effects) perform(effect);
        }
        wake_.ring();
    }

    void perform(cluster::Effect& effect) {
        std::visit(Overloaded{
                       [&](cluster::Submit& submit) { spawn(store_.send(std::move(submit))); },
                       [&](cluster::Relist& relist) {
                           log_line("info", "etcd is listed anew: " + relist.reason);
                           store_.list_anew();
                       },
                       [&](cluster::Check& check) { member_.on_checked(share_.check(check), moment_now()); },
                       [&](cluster::Do& work) { spawn(carry_out(std::move(work))); },
                       [&](cluster::TakeBack& back) {
                           log_line("info", "the cluster takes it back: " + back.reason);
                           is_to_go_back_ = orders_.say_to_rollout(false).code != 0;
                       },
                       [&](cluster::PromoteNow&) { (void)orders_.say_to_rollout(true); },
                       [&](cluster::Tell& tell) { asks_.tell(tell); },
                       [&](cluster::Backends& backends) { share_.leave_out(std::move(backends.out)); },
                       [&](cluster::HoldVip& hold) {
                           const bool is_here = vips_.hold(hold.address, hold.until);
                           member_.on_vip(hold, is_here, moment_now());
                       },
                       [&](cluster::Remember& remember) { share_.remember(std::move(remember.memory)); },
                   },
                   effect);
    }

    asio::awaitable<void> carry_out(cluster::Do work) {
        Outcome outcome{Outcome::failed, "the supervisor failed"};
        is_to_go_back_ = false;
        try {
            Report report = to_askers();
            outcome = co_await share_.carry_out(work, std::move(report));
        } catch (const std::exception& thrown) { // the cluster waits for an end
            outcome.text += std::string(": ") + thrown.what();
        }
        if (closed_) co_return;
        report_here();
        tell_facts(work.to.digest);
        member_.on_done({work.change, work.round, outcome.code == 0, outcome.text, outcome.has_served()}, moment_now());
        act();
    }

    // What happens here, for those who wait here for the whole of it.
    [[nodiscard]] Report to_askers() {
        return [self = shared_from_this()](const ReportLine& line) {
            log_line("info", line.text);
            ReportLine named = line;
            named.text = self->options_.machine + ": " + line.text;
            self->asks_.tell_all(named);
        };
    }

    Site& site_;
    Orders& orders_;
    Takeover& takeover_;
    ClusterOptions options_;
    PeerTrust trust_;
    SteadyClock::time_point certificate_due_ = SteadyClock::now() + between_certificates;
    OwnShare share_;
    VipAddresses vips_;
    cluster::Keys keys_;
    ClusterTopologies topologies_;
    cluster::ClusterStatus status_; // as it was looked at last, without machines
    cluster::Member member_;
    ClusterStore store_;
    ClusterAsks asks_;
    Bell wake_;
    std::string noted_;                     // how the cluster is, as the log has it
    std::optional<std::string> strange_to_; // the topology without this machine that the log had last, by its digest
    int acting_ = 0;
    bool is_leaving_ = false;
    bool closed_ = false;
    bool is_to_go_back_ = false; // what is at work here; nobody could be told so yet
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

void ClusterLink::flush() { impl_->flush(); }
const PeerTrust& ClusterLink::trust() const { return impl_->trust(); }
bool ClusterLink::has_address(const std::string& ip) const { return impl_->has_address(ip); }
bool ClusterLink::has_certificate(const std::string& fingerprint) const { return impl_->has_certificate(fingerprint); }

} // namespace mpsup
