#include "supervisor/daemon/hook_runner.h"

#include "supervisor/control/webhook.h"
#include "supervisor/daemon/clean_environment.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

HookRunner::HookRunner(const asio::any_io_executor& executor, std::string site, Commands& commands, History& history)
    : executor_(executor), site_(std::move(site)), commands_(commands), history_(history), ended_(executor) {}

std::vector<topology::Hook> HookRunner::hooks_at(const topology::Hooks& of_worker, topology::HookPoint point) const {
    std::vector<topology::Hook> all;
    for (const topology::Hooks* hooks : {&site_hooks_, &of_worker})
        if (const auto found = hooks->find(point); found != hooks->end())
            all.insert(all.end(), found->second.begin(), found->second.end());
    return all;
}

bool HookRunner::has(const topology::Hooks& of_worker, topology::HookPoint point) const {
    return site_hooks_.contains(point) || of_worker.contains(point);
}

std::chrono::milliseconds HookRunner::longest(const topology::Hooks& of_worker, topology::HookPoint point) const {
    constexpr std::chrono::milliseconds to_kill{1'000}; // what is late
    std::chrono::milliseconds sum{0};
    for (const topology::Hook& hook : hooks_at(of_worker, point)) sum += hook.timeout + to_kill;
    return sum;
}

asio::awaitable<std::string> HookRunner::run(topology::Hooks of_worker, HookEvent event) {
    auto hooks = hooks_at(of_worker, event.point);
    for (topology::Hook& hook : hooks) {
        std::string why = co_await call(std::move(hook), event);
        if (!why.empty()) co_return why;
    }
    co_return std::string();
}

void HookRunner::fire(const topology::Hooks& of_worker, HookEvent event) {
    auto hooks = hooks_at(of_worker, event.point);
    if (hooks.empty()) return;
    ++running_;
    asio::co_spawn(executor_, run_in_background(std::move(hooks), std::move(event)), [this](const std::exception_ptr&) {
        --running_;
        ended_.ring();
    });
}

asio::awaitable<void> HookRunner::run_in_background(std::vector<topology::Hook> hooks, HookEvent event) {
    for (topology::Hook& hook : hooks) (void)co_await call(std::move(hook), event);
}

void HookRunner::alert(const topology::Hooks& of_worker, HookEvent event) {
    event.point = topology::HookPoint::on_alert;
    state::EventRow row;
    row.kind = state::EventKind::alert;
    row.worker = event.worker;
    row.generation = event.generation;
    row.reason = event.alert + (event.reason.empty() ? "" : ": " + event.reason);
    history_.store().event(row);
    log_line("error", "alert: " + (event.worker.empty() ? "" : event.worker + ": ") + row.reason);
    fire(of_worker, std::move(event));
}

void HookRunner::note(const topology::Hooks& of_worker, const std::string& worker, const core::Note& note,
                      bool serves) {
    using Kind = core::Note::Kind;
    HookEvent event{.worker = worker, .generation = note.generation, .reason = note.text};
    if (note.kind == Kind::ready) {
        event.point = topology::HookPoint::post_ready;
        fire(of_worker, std::move(event));
    } else if (note.kind == Kind::exited) {
        event.point = topology::HookPoint::post_exit;
        if (note.status) event.reason = note.status->to_string() + (note.text.empty() ? "" : ": " + note.text);
        fire(of_worker, std::move(event));
    } else if (note.kind == Kind::failed) {
        event.alert = "worker_failed";
        alert(of_worker, std::move(event));
    } else if (note.kind == Kind::launch_failed && (note.planned || serves)) {
        event.alert = "gate_failed"; // what replaces the dead is tried again, and ends in `failed`
        alert(of_worker, std::move(event));
    }
}

asio::awaitable<void> HookRunner::wait_until_idle() {
    while (running_ > 0) co_await ended_.wait_until(Clock::time_point::max());
}

void HookRunner::look_at_store() {
    std::string damage = history_.store().status().damage;
    if (damage.empty() || damage == damage_) return;
    damage_ = damage;
    alert({}, {.reason = std::move(damage), .alert = "store_damaged"});
}

asio::awaitable<std::string> HookRunner::call(topology::Hook hook, HookEvent event) {
    const std::string name = hook.exec.empty() ? hook.webhook : hook.exec.front();
    std::string why;
    if (hook.exec.empty()) {
        const auto url = topology::parse_http_url(hook.webhook);
        if (!url) co_return std::string("no usable URL: ") + hook.webhook;         // validated: there is one
        WebhookTarget target{url->host, url->port, url->authority(), url->target}; // GCC 12 destroys unnamed ones twice
        std::string body = document(event);
        why = co_await post_webhook(std::move(target), std::move(body), hook.timeout);
        if (!why.empty()) why = ": " + why;
    } else {
        Command command{std::move(hook.exec), environment(event), hook.timeout};
        const CommandEnd end = co_await commands_.run(std::move(command));
        if (!end.passed) why = " " + end.why;
    }
    state::EventRow row;
    row.kind = why.empty() ? state::EventKind::hook_ran : state::EventKind::hook_failed;
    row.worker = event.worker;
    row.generation = event.generation;
    row.reason = std::string(topology::to_string(event.point)) + " " + name + why;
    history_.store().event(row);
    log_line(why.empty() ? "info" : "warning",
             (event.worker.empty() ? "" : event.worker + ": ") + "hook " + row.reason);
    co_return why.empty() ? std::string() : "its hook " + row.reason;
}

std::string HookRunner::document(const HookEvent& event) const {
    json::object object{{"version", 1},
                        {"event", topology::to_string(event.point)},
                        {"site", site_},
                        {"worker", event.worker},
                        {"generation", event.generation},
                        {"reason", event.reason},
                        {"at_ms", wall_clock_ms()}};
    if (!event.alert.empty()) object["alert"] = event.alert;
    return json::serialize(object);
}

std::vector<std::string> HookRunner::environment(const HookEvent& event) const {
    auto variables = clean_environment();
    variables["MPSUP_EVENT"] = topology::to_string(event.point);
    variables["MPSUP_SITE"] = site_;
    variables["MPSUP_WORKER"] = event.worker;
    variables["MPSUP_GENERATION"] = std::to_string(event.generation);
    variables["MPSUP_REASON"] = event.reason;
    if (!event.alert.empty()) variables["MPSUP_ALERT"] = event.alert;
    std::erase_if(variables, [](const auto& variable) { return variable.second.contains('\0'); });
    return to_lines(variables);
}

} // namespace mpsup
