#include "supervisor/daemon/worker_handle.h"

#include "base/overloaded.h"
#include "supervisor/core/ticks.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/status.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <csignal>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

void finish(const std::exception_ptr& thrown) {
    if (thrown) log_line("error", "a coroutine of a worker ended by an exception");
}

} // namespace

WorkerHandle::WorkerHandle(Surroundings& around, topology::WorkerSpec spec, core::GenerationNumber last_generation)
    : around_(around),
      spec_(std::move(spec)),
      core_(rules_of(*spec_)),
      record_timer_(around.executor),
      timer_(around.executor, Clock::time_point::max()),
      health_bell_(around.executor) {
    core_.continue_after(last_generation);
    core_.set_rules(rules());
}

WorkerHandle::~WorkerHandle() = default;

// Orders

core::GenerationNumber WorkerHandle::start(std::vector<Listener> listeners, bool hold) {
    listeners_ = std::move(listeners);
    begin_probing();
    const auto number = core_.start(Clock::now(), hold);
    act();
    return number;
}

core::GenerationNumber WorkerHandle::prepare(topology::WorkerSpec spec, std::vector<Listener> listeners,
                                             Preparation how) {
    set_spec(std::move(spec), std::move(listeners));
    first_size_ = how.children;
    const auto number = core_.prepare(Clock::now(), how.in_haste);
    act();
    first_size_.reset();
    return number;
}

void WorkerHandle::begin_probing() {
    if (std::exchange(probes_, true)) return;
    asio::co_spawn(around_.executor, keep_health(), finish);
}

void WorkerHandle::begin_liveness() {
    if (!probes_ || keeps_liveness_ || !asks_for_liveness()) return;
    keeps_liveness_ = true;
    asio::co_spawn(around_.executor, keep_liveness(), finish);
}

void WorkerHandle::admit(core::GenerationNumber number) {
    core_.admit(number, Clock::now());
    act();
}

void WorkerHandle::abandon(core::GenerationNumber number) {
    core_.abandon(number, Clock::now());
    act();
}

void WorkerHandle::stop() {
    core_.stop(Clock::now());
    act();
}

void WorkerHandle::reset() {
    core_.reset(Clock::now());
    act();
}

void WorkerHandle::kill() {
    for (const auto& generation : generations_) kill_all(*generation);
}

void WorkerHandle::resize(topology::Pool pool) { // not a part of what changes here
    spec_.edit().pool = pool;
    core_.set_rules(rules());
    for (const auto& generation : generations_) {
        generation->spec.edit().pool = pool;
        generation->rolled.reset();
        const core::Generation* known = core_.find(generation->number);
        if (!known || known->phase == core::Phase::sleeping) continue;
        send_size(*generation, pool_size_of(pool));
        core_.resize(generation->number);
    }
    act();
}

void WorkerHandle::send_size(GenerationHandle& generation, const contract::PoolSize& size) {
    if (!generation.link || generation.draining || generation.link->send(contract::Resize{size})) return;
    distrust(generation, "does not read its contract socket");
}

void WorkerHandle::size_generation(core::GenerationNumber number, std::optional<int> children) {
    GenerationHandle* generation = find(number);
    if (!generation) return;
    generation->rolled = children;
    send_size(*generation, generation->size());
    core_.resize(number);
    act();
}

void WorkerHandle::offer_clients_last(core::GenerationNumber number) {
    GenerationHandle* generation = find(number);
    if (generation && generation->link && !generation->draining) (void)generation->link->send(contract::Serve{});
}

core::Tally WorkerHandle::tally(core::GenerationNumber number) const {
    const GenerationHandle* generation = find(number);
    return generation ? generation->tally() : core::Tally{};
}

std::string WorkerHandle::failure_of(core::GenerationNumber number) const {
    const GenerationHandle* generation = find(number);
    return generation ? generation->failure() : std::string();
}

std::uint64_t WorkerHandle::memory_of_child(core::GenerationNumber number) const {
    const GenerationHandle* generation = find(number);
    return generation ? generation->memory_of_child() : 0;
}

void WorkerHandle::begin_counting(core::GenerationNumber number) {
    if (GenerationHandle* generation = find(number)) generation->begin_counting();
}

contract::PageCounts WorkerHandle::pages() const {
    contract::PageCounts sum = past_pages_;
    for (const auto& generation : generations_) {
        add_pages(generation->process.scoreboard, sum);
        for (const auto& [pid, child] : generation->children) add_pages(child.scoreboard, sum);
    }
    return sum;
}

void WorkerHandle::count_traffic(core::GenerationNumber number, std::uint64_t skip_first) {
    if (GenerationHandle* generation = find(number)) generation->count_traffic(skip_first);
}

void WorkerHandle::admit_beside(core::GenerationNumber number) {
    core_.admit_beside(number, Clock::now());
    act();
}

void WorkerHandle::serve_alone(core::GenerationNumber number, bool keeps_old) {
    for (const auto& generation : generations_) keeps_old = keeps_old && could_serve_again(*generation, number);
    core_.serve_alone(number, Clock::now(), keeps_old);
    act();
}

void WorkerHandle::take_back(core::GenerationNumber number) {
    core_.take_back(number, Clock::now());
    act();
}

void WorkerHandle::wake(core::GenerationNumber number) {
    core_.wake(number, Clock::now());
    act();
}

void WorkerHandle::give_up_newcomers() {
    std::vector<core::GenerationNumber> coming;
    for (const core::Generation& generation : core_.generations())
        if (core::is_coming(generation.phase)) coming.push_back(generation.number);
    for (const auto number : coming) core_.abandon(number, Clock::now());
    act();
}

void WorkerHandle::set_spec(topology::CopyOnWrite<topology::WorkerSpec> spec, std::vector<Listener> listeners) {
    spec_ = std::move(spec);
    listeners_ = std::move(listeners);
    core_.set_rules(rules());
}

void WorkerHandle::set_rolling(const topology::Rolling& rolling) {
    spec_.edit().rolling = rolling;
    core_.set_rules(rules());
}

void WorkerHandle::set_dependencies(const std::map<std::string, std::string>& depends_on) {
    spec_.edit().depends_on = depends_on;
}

void WorkerHandle::set_hooks(const topology::Hooks& hooks) {
    if (spec_->hooks != hooks) spec_.edit().hooks = hooks;
    core_.set_rules(rules());
}

core::WorkerRules WorkerHandle::rules() const {
    core::WorkerRules rules = rules_of(*spec_);
    if (!around_.hooks) return rules;
    rules.limits.hello += around_.hooks->longest(spec_->hooks, topology::HookPoint::pre_start);
    rules.limits.grace += around_.hooks->longest(spec_->hooks, topology::HookPoint::pre_stop);
    return rules;
}

asio::awaitable<void> WorkerHandle::drain_after_hooks(core::GenerationNumber number) {
    const auto self = shared_from_this();
    HookEvent event{.point = topology::HookPoint::pre_stop, .worker = spec_->name, .generation = number};
    (void)co_await around_.hooks->run(spec_->hooks, std::move(event)); // what fails is written down
    if (GenerationHandle* generation = find(number)) send_drain(*generation);
}

bool WorkerHandle::become_as(core::GenerationNumber number) {
    const GenerationHandle* generation = find(number);
    if (generation) set_spec(generation->spec, generation->listeners);
    return generation && generation->is_spec_known;
}

void WorkerHandle::close() {
    closed_ = true;
    listeners_.clear();
    timer_.cancel();
    record_timer_.cancel();
    health_bell_.ring();
}

// Doing what the core decides

void WorkerHandle::act() {
    if (acting_) return; // an effect's own news: the loop below takes what it led to
    acting_ = true;
    for (auto effects = core_.take_effects(); !effects.empty(); effects = core_.take_effects())
        for (const core::Effect& effect : effects) perform(effect);
    acting_ = false;
    drop_gone_generations();
    for (const auto& generation : generations_)
        generation->log.look(around_.paths.worker_log(spec_->name), is_alone(*generation));
    begin_liveness();
    record_state();
    arm_timer();
    around_.changed.ring();
}

void WorkerHandle::perform(const core::Effect& effect) {
    if (!std::holds_alternative<core::Note>(effect)) failpoint();
    std::visit(
        Overloaded{
            [&](const core::Spawn& spawn) {
                auto generation = std::make_unique<GenerationHandle>();
                generation->number = spawn.generation;
                generation->spec = spec_;
                generation->rolled = first_size_;
                generation->listeners = listeners_;
                generation->log.begin(around_.paths.worker_log(spec_->name), is_alone(*generation));
                generations_.push_back(std::move(generation));
                asio::co_spawn(around_.executor, launch(spawn.generation), finish);
            },
            [&](const core::SendGo& go) {
                if (auto* generation = find(go.generation)) send_go(*generation);
            },
            [&](const core::OpenGate& gate) { asio::co_spawn(around_.executor, keep_gate(gate.generation), finish); },
            [&](const core::SendServe& serve) {
                auto* generation = find(serve.generation);
                if (generation && generation->link && !generation->link->send(contract::Serve{}))
                    distrust(*generation, "does not read its contract socket");
                health_bell_.ring();
            },
            [&](const core::SendSleep& sleep) {
                if (auto* generation = find(sleep.generation)) send_size(*generation, fixed_size(0));
            },
            [&](const core::SendWake& wake) {
                if (auto* generation = find(wake.generation)) {
                    generation->rolled.reset();
                    send_size(*generation, generation->size());
                }
                health_bell_.ring();
            },
            [&](const core::SendDrain& drain) {
                auto* generation = find(drain.generation);
                const core::Generation* known = core_.find(drain.generation);
                const bool served = known && known->was_ready();
                if (!generation) return;
                if (!served || !around_.hooks || !around_.hooks->has(spec_->hooks, topology::HookPoint::pre_stop))
                    return send_drain(*generation);
                generation->draining = true; // for who comes back meanwhile
                asio::co_spawn(around_.executor, drain_after_hooks(drain.generation), finish);
            },
            [&](const core::ReleaseChild& release) {
                auto* generation = find(release.generation);
                if (!generation) return;
                if (generation->link) (void)generation->link->send(contract::Release{release.pid});
                asio::co_spawn(around_.executor, watch_released(release.generation, release.pid), finish);
            },
            [&](const core::PromoteChild& promotion) {
                if (auto* generation = find(promotion.generation)) promote(*generation, promotion.pid);
            },
            [&](const core::CrownChild& crowned) {
                if (auto* generation = find(crowned.generation)) crown(*generation, crowned.pid);
            },
            [&](const core::Kill& kill) {
                if (auto* generation = find(kill.generation)) kill_all(*generation);
            },
            [&](const core::Note& note) {
                around_.history.note(spec_->name, note, core_);
                if (around_.hooks) around_.hooks->note(spec_->hooks, spec_->name, note, core_.serving() != 0);
            },
        },
        effect);
}

void WorkerHandle::arm_timer() {
    const auto deadline = core_.next_deadline();
    if (!deadline || closed_) {
        timer_.cancel();
        timer_.expires_at(Clock::time_point::max());
        return;
    }
    const auto wake = core::next_look(*deadline, Clock::now());
    if (timer_.expiry() <= wake) return; // it wakes us early enough; one that is late already knows by how much
    timer_.expires_at(wake);
    timer_.async_wait([weak = weak_from_this(), wake](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->timer_.expires_at(Clock::time_point::max());
        const auto now = Clock::now();
        if (now - wake > core::held_up)
            log_line("warning", self->spec_->name + ": everything stood still for a while; deadlines are moved");
        self->core_.on_pause(core::stood_still(wake, now));
        self->core_.on_time(now);
        self->act();
    });
}

bool WorkerHandle::is_alone(const GenerationHandle& generation) const {
    return std::ranges::all_of(generations_, [&](const auto& other) {
        const core::Generation* known = core_.find(other->number);
        return other->number == generation.number || !known || known->is_asleep();
    });
}

void WorkerHandle::drop_gone_generations() {
    std::erase_if(generations_, [&](const auto& generation) {
        if (core_.find(generation->number)) return false;
        if (generation->link) generation->link->close();
        for (ServingProcess& master : generation->retiring) { // it serves nobody; nobody would watch it any more
            if (master.link) master.link->close();
            (void)master.pidfd.send_signal(SIGKILL);
            around_.history.store().exited({master.uuid, ExitStatus::signalled(SIGKILL), "a child took over"});
        }
        if (!generation->private_path.empty()) ::unlink(generation->private_path.c_str());
        return true;
    });
}

bool WorkerHandle::puts_off_record() {
    std::size_t processes = 0;
    for (const auto& generation : generations_) processes += 1 + generation->children.size();
    const auto now = Clock::now();
    if (closed_ || record_pace_.may_write(processes, now)) return false;
    if (record_timer_.expiry() > now) return true;
    record_timer_.expires_at(record_pace_.next());
    record_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        if (const auto self = weak.lock(); self && !error) self->record_state();
    });
    return true;
}

void WorkerHandle::record_state() {
    if (puts_off_record()) return;
    const std::string now = status_json(*this, {});
    if (now == recorded_) return;
    recorded_ = now;
    state::WorkerRow row{spec_->name, std::string(core::to_string(core_.state())), core_.serving(),
                         status_json(*this, wall_clock_ms())};
    row.ready = static_cast<std::uint32_t>(core_.ready());
    row.wanted = static_cast<std::uint32_t>(core_.wanted());
    around_.history.store().worker(row);
}

const GenerationHandle* WorkerHandle::find(core::GenerationNumber number) const {
    const auto found = std::ranges::find(generations_, number, &GenerationHandle::number);
    return found == generations_.end() ? nullptr : found->get();
}

GenerationHandle* WorkerHandle::find(core::GenerationNumber number) {
    const auto found = std::ranges::find(generations_, number, &GenerationHandle::number);
    return found == generations_.end() ? nullptr : found->get();
}

double WorkerHandle::roll_dice() { return std::uniform_real_distribution<>(0, 1)(around_.chance); }

bool WorkerHandle::knows(pid_t pid) const {
    return std::ranges::any_of(generations_, [pid](const auto& generation) { return generation->has(pid); });
}

} // namespace mpsup
