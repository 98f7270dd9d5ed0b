#include "supervisor/daemon/scaling.h"

#include <algorithm>
#include <charconv>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

std::optional<ScaleOrder> parse_scale(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    ScaleOrder order{std::string(text.substr(0, equals)), false, 0};
    std::string_view number = text.substr(equals + 1);
    order.is_relative = number.starts_with('+') || number.starts_with('-');
    if (number.starts_with("+-")) return std::nullopt;
    if (number.starts_with('+')) number.remove_prefix(1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), order.count);
    if (number.empty() || error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    return order;
}

namespace {

constexpr int most_children = 1000;

// The pool as it will be, or why that cannot be.
Result<topology::Pool> scaled(const topology::WorkerSpec& spec, const ScaleOrder& order) {
    if (spec.kind != topology::Kind::dynamic) return failure(spec.name + " has no pool: it is one process");
    topology::Pool pool = spec.pool;
    const auto sized = pool.sized();
    if (order.is_relative && sized.max == 0)
        return failure(spec.name + " grows as memory allows (max: auto): give it a number");
    const std::int64_t count = order.is_relative ? std::int64_t{sized.max} + order.count : order.count;
    if (count < 1 || count > most_children)
        return failure(spec.name + ": " + std::to_string(count) + " children: from 1 to " +
                       std::to_string(most_children));
    if (sized.mode == topology::PoolMode::fixed) {
        pool.size = count;
        pool.max.reset();
    } else {
        pool.max = count;
    }
    if (sized.mode == topology::PoolMode::dynamic) {
        pool.min = std::min<std::int64_t>(sized.min, count);
        pool.min_spare = std::min<std::int64_t>(sized.min_spare, count);
    }
    return pool;
}

using ScaleStep = std::pair<std::shared_ptr<WorkerHandle>, topology::Pool>;

// Every order checked before one is carried out.
Result<std::vector<ScaleStep>> steps_of(Site& site, const std::vector<ScaleOrder>& orders) {
    std::vector<ScaleStep> steps;
    for (const ScaleOrder& order : orders) {
        auto worker = site.find(order.worker);
        if (!worker) return failure("there is no worker " + order.worker);
        topology::WorkerSpec spec = worker->spec();
        for (const auto& [other, pool] : steps) // an order before this one
            if (other == worker) spec.pool = pool;
        auto pool = scaled(spec, order);
        if (!pool) return std::unexpected(pool.error());
        steps.emplace_back(std::move(worker), *pool);
    }
    return steps;
}

// As many as there should be, or a time that is enough for all that it may take.
asio::awaitable<bool> wait_until_scaled(Site& site, const WorkerHandle& worker) {
    const auto deadline = Clock::now() + worker.spec().stop.grace + std::chrono::seconds(30);
    const auto is_done = [&] {
        const core::Generation* serving = worker.core().find(worker.core().serving());
        if (!serving) return true;
        const auto sized = worker.spec().pool.sized();
        const int children = static_cast<int>(serving->children.size());
        return worker.core().ready() >= sized.min && (sized.max == 0 || children <= sized.max);
    };
    while (!is_done() && Clock::now() < deadline) co_await site.around().changed.wait_until(deadline);
    co_return is_done();
}

} // namespace

std::vector<ScaleOrder> orders_for_all(const Site& site, int difference) {
    std::vector<ScaleOrder> orders;
    for (const auto& worker : site.workers()) {
        const topology::WorkerSpec& spec = worker->spec();
        const int size = spec.pool.sized().max;
        if (spec.kind != topology::Kind::dynamic || size == 0) continue;
        const int wanted = std::clamp(size + difference, 1, most_children);
        if (wanted != size) orders.push_back({spec.name, false, wanted});
    }
    return orders;
}

asio::awaitable<Outcome> scale(Site& site, std::vector<ScaleOrder> orders, Report report) {
    const auto steps = steps_of(site, orders);
    if (!steps) co_return Outcome{2, steps.error().to_string()};
    for (const auto& [worker, pool] : *steps) {
        const int from = worker->spec().pool.sized().max;
        const int to = pool.sized().max;
        worker->resize(pool);
        const std::string what = (from == 0 ? "auto" : std::to_string(from)) + " to " + std::to_string(to);
        site.around().history.worker_event(state::EventKind::resized, worker->spec().name, worker->core(), what);
        report(worker->spec().name + ": from " + what);
    }
    for (const auto& [worker, pool] : *steps)
        if (!co_await wait_until_scaled(site, *worker))
            co_return Outcome{9, worker->spec().name + " is not at its new size yet; it goes on"};
    co_return Outcome{0, "scaled"};
}

} // namespace mpsup
