#include "supervisor/daemon/orders.h"

#include "supervisor/daemon/operations.h"
#include "supervisor/daemon/rollout_record.h"
#include "supervisor/daemon/scaling.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <algorithm>
#include <chrono>
#include <malloc.h>
#include <optional>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int failed = 1;
constexpr int bad_topology = 78;
constexpr auto flush_patience = std::chrono::milliseconds(100);

} // namespace

Orders::Orders(Site& site, Takeover& takeover, std::string site_name)
    : site_(site), takeover_(takeover), site_name_(std::move(site_name)), ended_(site.around().executor) {}

bool Orders::has_processes() const {
    return std::ranges::any_of(site_.workers(), [](const auto& worker) { return worker->core().has_processes(); });
}

// Waits for the one that runs; what it waits for has deadlines of its own.
asio::awaitable<void> Orders::interrupt() {
    while (!running_.empty()) {
        site_.around().rollout.abort = true;
        site_.around().changed.ring();
        for (const auto& worker : site_.workers()) worker->give_up_newcomers();
        co_await ended_.wait_until(Clock::now() + std::chrono::seconds(1));
    }
}

asio::awaitable<Outcome> Orders::perform(std::string name, asio::awaitable<Outcome> work,
                                         std::vector<std::string> workers, bool is_recorded) {
    co_await takeover_.wait_until_over();
    if (!running_.empty() || closed_)
        co_return Outcome{Outcome::busy, "another change runs: " + (running_.empty() ? "stop" : running_)};
    running_ = std::move(name);
    std::optional<RolloutRecord> record;
    if (is_recorded) record.emplace(site_, running_, std::move(workers));
    Outcome outcome{failed, "internal error, see the supervisor's log"};
    try {
        outcome = co_await std::move(work);
    } catch (const std::exception& exception) {
        log_line("error", running_ + ": " + exception.what());
    }
    log_line(outcome.code == 0 ? "info" : "error", running_ + ": " + outcome.text);
    if (record) record->end(outcome);
    (void)site_.around().history.store().flush(flush_patience); // who asks for the history next finds it there
    running_.clear();
    ended_.ring();
    ::malloc_trim(0); // what it took is not needed for days
    co_return outcome;
}

asio::awaitable<Outcome> Orders::up(std::string name, UpRequest request, Report report, UpManner how) {
    return perform(std::move(name), bring_up_requested(std::move(request), std::move(report), how), {},
                   how.is_recorded);
}

asio::awaitable<Outcome> Orders::bring_up_requested(UpRequest request, Report report, UpManner how) {
    auto wanted = topology::from_document(request.document);
    if (!wanted) co_return Outcome{bad_topology, wanted.error().to_string()};
    if (wanted->site != site_name_) co_return Outcome{bad_topology, "this is the supervisor of " + site_name_};
    if (topology::is_for_several(*wanted) && wanted->here.empty())
        co_return Outcome{bad_topology, is_for_several_text(request.path, site_name_)};
    for (std::string& name : takeover_.adopt_strangers(*wanted)) site_.unsure_of().insert(std::move(name));
    AppliedTopology applied{std::move(*wanted), request.path, topology::digest_of(request.document)};
    const BringUp bring{.all_anew = how.all_anew, .fast = how.fast, .asks_pre_roll = true};
    co_return co_await bring_up(site_, std::move(applied), report, bring);
}

asio::awaitable<Outcome> Orders::down(Report report) {
    co_await takeover_.wait_until_over(); // an `up` that waits for it too is interrupted as well
    const bool has_interrupted = !running_.empty();
    co_await interrupt();
    // A first `up` that fails leaves nothing to supervise, and ends the supervisor.
    if (has_interrupted && closed_ && !has_processes()) co_return Outcome{0, "the site is down"};
    co_return co_await perform("down", bring_down_all(std::move(report)));
}

asio::awaitable<void> Orders::stop(std::string name, Report report) {
    co_await takeover_.wait_until_over();
    co_await interrupt();
    running_ = std::move(name);
    RolloutRecord record(site_, running_, {});
    record.end(co_await bring_down_all(std::move(report)));
}

asio::awaitable<Outcome> Orders::bring_down_all(Report report) {
    takeover_.adopt_the_rest();
    co_return co_await bring_down(site_, std::move(report));
}

Outcome Orders::say_to_rollout(bool promote) {
    RolloutControl& rollout = site_.around().rollout;
    if (rollout.worker.empty() && !promote && !running_.empty() && running_ != "down") {
        for (const auto& worker : site_.workers()) worker->give_up_newcomers();
        return {0, running_ + ": what is on its way is given up"};
    }
    if (rollout.worker.empty()) return {failed, "nothing is being rolled"};
    (promote ? rollout.promote : rollout.abort) = true;
    site_.around().changed.ring();
    return {0, rollout.worker + (promote ? ": goes on" : ": is taken back")};
}

asio::awaitable<void> Orders::scale_all(int difference) {
    to_scale_ += difference;
    if (std::exchange(waits_to_scale_, true)) co_return;
    while (!running_.empty()) co_await ended_.wait_until(Clock::time_point::max());
    waits_to_scale_ = false;
    auto orders = orders_for_all(site_, std::exchange(to_scale_, 0));
    if (orders.empty()) co_return;
    Report report = [](const ReportLine& line) { log_line("info", line.text); };
    (void)co_await perform("scale by signal", scale(site_, std::move(orders), std::move(report)));
}

asio::awaitable<void> Orders::watch_moved() {
    constexpr std::chrono::milliseconds first_pause = std::chrono::seconds(1);
    constexpr std::chrono::milliseconds longest_pause = std::chrono::minutes(10);
    auto pause = first_pause;
    co_await takeover_.wait_until_over();
    for (;;) {
        const auto end = site_.applied() ? topology::moved_until(site_.applied()->topology) : std::nullopt;
        const std::chrono::milliseconds left(end.value_or(0) - wall_clock_ms());
        if (!end || closed_ || !running_.empty()) {
            co_await ended_.wait_until(Clock::time_point::max()); // another change may bring one, or take it away
        } else if (left.count() > 0) {
            co_await ended_.wait_until(Clock::now() + left);
        } else {
            Report report = [](const ReportLine& line) { log_line("info", line.text); };
            std::vector<std::string> workers(1, std::string(topology::moved_worker));
            const Outcome outcome = co_await perform("moved", end_moved(site_, std::move(report)), std::move(workers));
            if (outcome.code != 0) co_await pause_for(pause);
            pause = outcome.code == 0 ? first_pause : std::min(pause * 2, longest_pause);
        }
    }
}

} // namespace mpsup
