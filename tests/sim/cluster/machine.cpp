#include "tests/sim/cluster/machine.h"

#include <algorithm>
#include <cstdio>

namespace mpsup::sim {

using namespace std::chrono_literals;
using cluster::ChangeRecord;

namespace {

constexpr auto longest_wait = 5s;    // for an answer
constexpr auto stream_patience = 6s; // for a stream from which nothing comes
constexpr int generation_of_others = 1'000'000;

cluster::Time boot_time(Time time) {
    return cluster::Time(std::chrono::duration_cast<cluster::Duration>(time.time_since_epoch()));
}
Time sim_time(cluster::Time time) { return Time(time.time_since_epoch()); }

// Nobody accepts an etcd that is none of theirs.
bool accepts(const cluster::Transaction& transaction) {
    return std::ranges::any_of(transaction.then, [](const auto& each) {
        const auto* put = std::get_if<cluster::Put>(&each);
        return put && put->key == cluster::Keys("/mpsup/sim/").store();
    });
}

} // namespace

void FleetWorld::trace(const std::string& line) const {
    if (traces) std::printf("%8ld %s\n", clock.ms(), line.c_str());
}

FleetMachine::FleetMachine(FleetWorld& world, int index, std::string name)
    : world_(world), index_(index), name_(std::move(name)) {}

// The machine and its supervisor

void FleetMachine::boot() {
    if (is_on_) return;
    is_on_ = true;
    ++boots_;
    start_supervisor();
}

void FleetMachine::die() {
    if (!is_on_) return;
    world_.trace(name_ + " dies");
    kill_supervisor(Duration(0));
    ++life_;
    stop_supervisor();
    is_on_ = is_busy_ = false;
    paused_until_ = {};
    world_.oracle.dies(index_);
}

void FleetMachine::start_supervisor() {
    if (!is_on_ || member_) return;
    ++life_;
    instance_ = name_ + "/" + std::to_string(index_) + "/" + std::to_string(++processes_);
    if (world_.bug == ClusterBug::forget_the_store) disk_.memory = {};
    const std::string host = std::to_string(index_);
    member_ = std::make_unique<cluster::Member>(cluster::Identity{"/mpsup/sim/", name_, instance_,
                                                                  "b" + host + "." + std::to_string(boots_), "1",
                                                                  "10.0.0." + host, "10.0.0." + host + ":7117"},
                                                disk_.memory);
    if (!disk_.runs.digest.empty())
        member_->on_facts(disk_.runs.digest, world_.books.of(disk_.runs.digest).facts, now());
    tell_site();
    get_lease();
    list();
    mind_site();
    perform();
}

void FleetMachine::stop_supervisor() {
    if (!member_) return;
    break_stream({});
    member_.reset();
    lease_ = 0;
    is_listing_ = false;
    tick_at_.reset();
    for (const cluster::AskId ask : asks_) world_.oracle.forgets(ask);
    asks_.clear();
}

void FleetMachine::kill_supervisor(Duration until_the_next) {
    if (!member_) return;
    world_.trace(name_ + ": its supervisor is killed");
    ++life_;
    world_.oracle.ends_alone(name_);
    if (operation_) {
        const Operation operation = *std::exchange(operation_, std::nullopt);
        const int fate = world_.random.between(0, 2);
        if (fate > 0 && brings_topology(operation.task) && operation.succeeds) {
            disk_.serves = operation.task.to.digest;
            disk_.runs = operation.task.to;
        }
        is_busy_ = fate == 2;
    }
    stop_supervisor();
    world_.clock.after(until_the_next, [this, life = life_] {
        if (life == life_) start_supervisor();
    });
    if (is_busy_)
        world_.clock.after(until_the_next + world_.random.ms(500, 4'000), [this] {
            is_busy_ = false;
            if (member_) at_once(life_, [this] { tell_site(); });
        });
}

void FleetMachine::leave() {
    if (!member_) return;
    world_.trace(name_ + " leaves");
    member_->leave(now());
    perform();
    later(1s, [this] {
        const cluster::LeaseId lease = lease_;
        if (!member_->may_have_address(now()))
            call<bool>([this, lease] { return etcd().revoke(lease), true; }, [](const Result<bool>&) {});
        kill_supervisor(world_.random.ms(2'000, 20'000));
    });
}

void FleetMachine::pause(Duration length) {
    world_.trace(name_ + " is paused for " + std::to_string(length.count()));
    paused_until_ = std::max(paused_until_, world_.clock.now() + length);
    later(length, [this] { pump(); });
}

void FleetMachine::cut(bool up, bool down, Duration length) {
    world_.trace(name_ + " is cut off" +
                 (up && down ? ""
                  : up       ? ", one way"
                             : ", the other way") +
                 " for " + std::to_string(length.count()));
    const Time until = world_.clock.now() + length;
    if (up) cut_up_ = std::max(cut_up_, until);
    if (down) cut_down_ = std::max(cut_down_, until);
    later(stream_patience, [this] {
        if (std::max(cut_up_, cut_down_) > world_.clock.now()) break_stream("nothing comes from it");
    });
    later(length, [this] { pump(); });
}

void FleetMachine::hear_late(Duration length) {
    world_.trace(name_ + " hears late for " + std::to_string(length.count()));
    slow_until_ = world_.clock.now() + length;
}

void FleetMachine::is_compacted() {
    if (!stream_ || stream_->queue.empty() || world_.clock.now() >= slow_until_) return;
    if (stream_->etcd != &world_.etcd) return;
    auto over = std::make_shared<cluster::WatchNews>();
    over->header = world_.etcd.header();
    over->over = true;
    over->compacted = over->header.revision;
    over->reason = "the revision was compacted";
    world_.etcd.unwatch(stream_->watch);
    stream_->queue.clear();
    stream_->queue.emplace_back(stream_->last_due, over);
    world_.clock.at(stream_->last_due, [this, life = life_] { at_once(life, [this] { pump(); }); });
}

// Not one that knows no store: it would take the first for its own.
void FleetMachine::mislead(Duration length) {
    if (trusts_generation_ < 0) return;
    world_.trace(name_ + " is led to another etcd for " + std::to_string(length.count()));
    misled_until_ = world_.clock.now() + length;
    is_misled_wholly_ = world_.random.one_in(2);
    const auto end_watch = [this] { at_once(life_, [this] { break_stream("it ends"); }); };
    end_watch();
    world_.clock.after(length, end_watch); // of whichever supervisor it has then
}

void FleetMachine::unplug(Duration length) {
    world_.trace(name_ + " has no place for the address for " + std::to_string(length.count()));
    unplugged_until_ = world_.clock.now() + length;
}

void FleetMachine::heal() {
    const bool was_misled = misled_until_ > world_.clock.now();
    slow_until_ = cut_up_ = cut_down_ = ails_until_ = misled_until_ = unplugged_until_ = {};
    if (was_misled) at_once(life_, [this] { break_stream("it ends"); });
    at_once(life_, [this] { pump(), tell_site(); });
}

void FleetMachine::ail(Duration length) {
    world_.trace(name_ + " is unwell");
    ails_until_ = world_.clock.now() + length;
    later(Duration(0), [this] { tell_site(); });
}

void FleetMachine::lose_lease() {
    obeys_until_ = world_.clock.now() + 5s; // of two faults at a time no address is safe
    if (lease_ != 0) world_.etcd.lose_lease(lease_);
}

void FleetMachine::ask(cluster::AskId id, cluster::Order order, const std::string& what) {
    if (!member_) return;
    world_.trace(name_ + " is ordered: " + what);
    world_.oracle.asks(id, what + " at " + name_);
    asks_.push_back(id);
    at_once(life_, [this, id, order = std::move(order)] { member_->ask({id, order, "somebody", name_, {}}, now()); });
}

std::string FleetMachine::describe() const {
    std::string text = name_ + (is_on_ ? "" : " (off)") + " runs " + std::to_string(disk_.runs.number);
    if (!member_) return text + " without a supervisor";
    return text + " " + std::string(to_string(status().state)) + (operation_ ? " working" : "");
}

// Time

cluster::Moment FleetMachine::now() const {
    const cluster::Time boot = boot_time(world_.clock.now());
    return {boot, boot.time_since_epoch() + std::chrono::hours(500'000)};
}

Duration FleetMachine::latency() { return world_.random.ms(1, world_.slowest); }

void FleetMachine::later(Duration wait, std::function<void()> what) {
    world_.clock.after(wait, [this, life = life_, what = std::move(what)] { at_once(life, what); });
}

// A process that is paused does it afterwards; one that is gone never.
void FleetMachine::at_once(std::uint64_t life, const std::function<void()>& what) {
    if (life != life_ || !member_) return;
    if (world_.clock.now() < paused_until_)
        return world_.clock.at(paused_until_, [this, life, what] { at_once(life, what); });
    what();
    perform();
}

void FleetMachine::plan_tick() {
    const cluster::Time due = std::max(member_->next_tick(), now().boot + 1ms);
    if (tick_at_ && *tick_at_ <= due) return;
    tick_at_ = due;
    world_.clock.at(sim_time(due), [this, life = life_, due] {
        at_once(life, [this, due] {
            if (tick_at_ != due) return;
            tick_at_.reset();
            member_->tick(now());
        });
    });
}

// etcd

template <typename Reply>
void FleetMachine::call(std::function<Reply()> serve, std::function<void(Result<Reply>)> answer) {
    ++operations;
    const auto is_lost = [this] { return world_.loss > 0 && world_.random.one_in(world_.loss); };
    const auto give_up = [this, life = life_, answer](Duration wait) {
        world_.clock.after(wait, [this, life, answer] { at_once(life, [answer] { answer(failure("no answer")); }); });
    };
    if (world_.clock.now() < cut_up_ || is_lost()) return give_up(longest_wait);
    world_.clock.after(latency(), [this, life = life_, serve, answer, is_lost, give_up] {
        if (world_.etcd.is_down()) return give_up(latency());
        Reply reply = serve();
        if (world_.clock.now() < cut_down_ || is_lost()) return give_up(longest_wait);
        world_.clock.after(latency(), [this, life, answer, reply = std::move(reply)] {
            at_once(life, [answer, reply] { answer(reply); });
        });
    });
}

Etcd& FleetMachine::etcd() {
    const bool is_misled = world_.clock.now() < misled_until_ && (is_misled_wholly_ || world_.random.one_in(2));
    return is_misled ? world_.other_etcd : world_.etcd;
}

void FleetMachine::get_lease() {
    const cluster::Time sent = now().boot;
    call<cluster::LeaseId>([this] { return etcd().grant(cluster::lease_time); },
                           [this, sent](const Result<cluster::LeaseId>& lease) {
                               if (!lease) return later(1s, [this] { get_lease(); });
                               lease_ = *lease;
                               const auto more = world_.bug == ClusterBug::outlive_the_lease ? 30s : 0s;
                               member_->on_lease(lease_, sent + cluster::lease_time + more, now());
                               later(member_->renewal(), [this, id = lease_] { renew(id); });
                           });
}

void FleetMachine::renew(cluster::LeaseId lease) {
    if (lease != lease_) return;
    const cluster::Time sent = now().boot;
    ++renewals;
    call<bool>([this, lease] { return etcd().keep_alive(lease); },
               [this, lease, sent](const Result<bool>& stands) {
                   if (!stands) return later(1s, [this, lease] { renew(lease); });
                   if (!*stands && world_.bug != ClusterBug::miss_lost_leases) {
                       lease_ = 0;
                       member_->on_lease_lost(now());
                       return get_lease();
                   }
                   const auto more = world_.bug == ClusterBug::outlive_the_lease ? 30s : 0s;
                   member_->on_lease(lease, sent + cluster::lease_time + more, now());
                   later(member_->renewal(), [this, lease] { renew(lease); });
               });
}

void FleetMachine::list_later() {
    later(world_.random.ms(300, 1'500), [this] { list(); });
}

void FleetMachine::list() {
    if (is_listing_ || stream_) return;
    is_listing_ = true;
    const auto generation = std::make_shared<int>(0);
    call<cluster::TransactionReply>(
        [this, generation, listing = member_->listing()] {
            Etcd& etcd = this->etcd();
            *generation = &etcd == &world_.etcd ? etcd.generation() : generation_of_others;
            return etcd.apply(listing);
        },
        [this, generation](const auto& reply) {
            if (reply) listed_generation_ = *generation;
            on_listing(reply);
        });
}

void FleetMachine::on_listing(Result<cluster::TransactionReply> reply) {
    is_listing_ = false;
    if (!reply) {
        member_->on_unreachable(reply.error().to_string(), now());
        return list_later();
    }
    member_->on_listed(*reply, now());
    watch(reply->header.revision + (world_.bug == ClusterBug::watch_late ? 4 : 1));
}

void FleetMachine::watch(cluster::Revision from) {
    stream_ = std::make_unique<Stream>();
    later(latency(), [this, from, stream = stream_.get()] {
        if (stream_.get() != stream) return;
        if (world_.etcd.is_down() || world_.clock.now() < std::max(cut_up_, cut_down_))
            return break_stream("it cannot be watched");
        stream->etcd = &etcd();
        const auto id = stream->etcd->watch(from, [this, life = life_, stream](const Etcd::News& news) {
            if (life != life_ || stream_.get() != stream) return;
            const Duration lag = world_.clock.now() < slow_until_ ? world_.random.ms(500, 6'000) : Duration(0);
            const Time due = std::max(world_.clock.now() + latency() + lag, stream->last_due);
            stream->last_due = due;
            if (world_.bug == ClusterBug::lose_news && world_.random.one_in(20)) return;
            stream->queue.emplace_back(due, news);
            world_.clock.at(due, [this, life] { at_once(life, [this] { pump(); }); });
        });
        if (stream_.get() == stream) stream->watch = id;
    });
}

void FleetMachine::pump() {
    while (stream_ && !stream_->queue.empty() && stream_->queue.front().first <= world_.clock.now() && can_be_heard()) {
        const Etcd::News news = stream_->queue.front().second;
        stream_->queue.pop_front();
        deliver(news);
        perform(); // as it was decided, before the next is heard
    }
}

void FleetMachine::deliver(const Etcd::News& news) {
    for (const cluster::Change& change : news->changes) news_bytes += change.now.key.size() + change.now.value.size();
    if (news->over && news->compacted && world_.bug == ClusterBug::go_on_after_compaction) {
        stream_.reset();
        return watch(news->header.revision + 1);
    }
    member_->on_news(*news, now());
    if (news->over) break_stream(news->reason);
}

void FleetMachine::break_stream(const std::string& why) {
    if (!stream_) return;
    if (stream_->etcd) stream_->etcd->unwatch(stream_->watch);
    stream_.reset();
    if (why.empty()) return;
    member_->on_unreachable(why, now());
    list_later();
}

// What the member wants

void FleetMachine::perform() {
    if (!member_) return;
    for (cluster::Effects effects = member_->take_effects(); !effects.empty(); effects = member_->take_effects())
        for (cluster::Effect& effect : effects) perform(effect);
    plan_tick();
}

void FleetMachine::perform(cluster::Effect& effect) {
    if (auto* submit = std::get_if<cluster::Submit>(&effect)) return this->submit(std::move(*submit));
    if (std::holds_alternative<cluster::Relist>(effect)) {
        world_.trace(name_ + " lists anew: " + std::get<cluster::Relist>(effect).reason);
        break_stream({});
        return list_later();
    }
    if (const auto* check = std::get_if<cluster::Check>(&effect)) return this->check(*check);
    if (auto* task = std::get_if<cluster::Do>(&effect)) return begin(std::move(*task));
    if (std::holds_alternative<cluster::TakeBack>(effect)) {
        if (!operation_) return;
        later(world_.random.ms(20, 200),
              [this, number = operation_->number] { end_operation(number, false, "it was taken back"); });
    }
    if (const auto* tell = std::get_if<cluster::Tell>(&effect)) {
        world_.trace("  " + name_ + " says: " + tell->text +
                     (tell->code ? " (" + std::to_string(*tell->code) + ")" : ""));
        if (!tell->code || world_.bug == ClusterBug::lose_answers) return;
        std::erase(asks_, tell->ask);
        world_.oracle.answered(tell->ask);
        if (world_.on_answer) world_.on_answer(tell->ask, *tell->code);
    }
    if (const auto* vip = std::get_if<cluster::HoldVip>(&effect)) return set_address(*vip);
    if (const auto* remember = std::get_if<cluster::Remember>(&effect)) {
        disk_.memory = remember->memory;
        if (trusts_generation_ < 0 && !disk_.memory.store.id.empty()) trusts_generation_ = listed_generation_;
    }
}

// The kernel does not always take it away when it is told.
void FleetMachine::set_address(const cluster::HoldVip& vip) {
    const bool had_it = world_.oracle.has_address(index_);
    const Time now = world_.clock.now();
    const bool may_fail = world_.has_faults && now >= obeys_until_;
    const bool fails = vip.until ? now < unplugged_until_ : may_fail && world_.random.one_in(8);
    const auto more = world_.bug == ClusterBug::keep_the_address ? 60s : 0s;
    if (!fails) world_.oracle.holds(index_, vip.until ? std::optional(sim_time(*vip.until) + more) : std::nullopt);
    const bool has_it = world_.oracle.has_address(index_);
    if (had_it != has_it) world_.trace(name_ + (has_it ? " has the address" : " has the address no more"));
    member_->on_vip(vip, has_it && (vip.until || world_.bug != ClusterBug::presume_it_gone), this->now());
}

void FleetMachine::submit(cluster::Submit submit) {
    spoil(submit.transaction);
    const Writer writer{name_, instance_, member_->revision()};
    call<cluster::TransactionReply>(
        [this, writer, transaction = std::move(submit.transaction)] {
            if (Etcd& etcd = this->etcd(); &etcd != &world_.etcd)
                return accepts(transaction) ? cluster::TransactionReply() : etcd.apply(transaction);
            world_.oracle.writes(&writer);
            auto reply = world_.etcd.apply(transaction);
            world_.oracle.writes(nullptr);
            return reply;
        },
        [this, request = submit.request](const Result<cluster::TransactionReply>& reply) {
            const bool is_refused = reply && reply->header.cluster == 0;
            member_->on_answer(
                request, is_refused ? Result<cluster::TransactionReply>(failure("there is no such lease")) : reply,
                now());
        });
}

// Seeded bugs of what is written.
void FleetMachine::spoil(cluster::Transaction& transaction) const {
    if (world_.bug == ClusterBug::compare_nothing) transaction.when.clear();
    const cluster::Keys keys("/mpsup/sim/");
    if (world_.bug == ClusterBug::forget_wanted)
        std::erase_if(transaction.then, [&](const auto& each) {
            const auto* put = std::get_if<cluster::Put>(&each);
            return put && put->key == keys.wanted() && transaction.then.size() > 1;
        });
    for (auto& operation : transaction.then) {
        auto* put = std::get_if<cluster::Put>(&operation);
        if (put && put->key == keys.converging() && world_.bug == ClusterBug::forget_turns)
            put->value = cluster::encode(cluster::ConvergingRecord{{name_}});
        if (!put || put->key != keys.change()) continue;
        auto change = *cluster::decode<ChangeRecord>(put->value);
        if (world_.bug == ClusterBug::ignore_the_budget) ++change.allowed;
        if (world_.bug == ClusterBug::grant_at_once && change.phase == ChangeRecord::Phase::rolling)
            for (cluster::Part& part : change.machines)
                if (part.state == cluster::Part::State::waiting) part.state = cluster::Part::State::granted;
        if (world_.bug == ClusterBug::skip_the_check && change.phase == ChangeRecord::Phase::checking &&
            change.term == 1)
            change.phase = ChangeRecord::Phase::rolling;
        if (world_.bug == ClusterBug::keep_the_term) change.term = 1;
        put->value = cluster::encode(change);
    }
}

} // namespace mpsup::sim
