// What an etcd of one member bears on this machine, asked by our client through its JSON gateway: keep-alives and puts a second,
// how one change comes to many watches, and a fleet that has nothing to do. CPU time is etcd's; the clients are on the same cores.
#include "supervisor/cluster/etcd_client.h"
#include "tests/supervisor/cluster/real_etcd.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <list>
#include <optional>

namespace {

using namespace std::chrono_literals;
using namespace mpsup::cluster;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using Task = asio::awaitable<bool>; // did it work?

constexpr auto duration = 5s;

class Bench {
public:
    Bench() : etcd_("bench", {}) {
        etcd_.start();
        options_.endpoints = {{false, "127.0.0.1", etcd_.port()}};
        options_.patience = options_.keep_alive_patience = 30s;
        while (!run(put(client(), "start", 1))) std::this_thread::sleep_for(50ms);
        forget_clients();
    }
    EtcdClient& client() { return clients_.emplace_back(options_); }
    void forget_clients() {
        clients_.clear();
        context_.restart();
        context_.run_for(100ms);
    }
    asio::io_context& context() { return context_; }

    template <typename Value> Value run(asio::awaitable<Value> asked) {
        std::optional<Value> result;
        asio::co_spawn(context_, std::move(asked), [&](const std::exception_ptr&, Value value) {
            result = std::move(value);
            context_.stop();
        });
        context_.restart();
        context_.run();
        return std::move(result).value();
    }
    static Task put(EtcdClient& client, std::string key, std::size_t size) {
        Transaction transaction{{}, {Put{std::move(key), std::string(size, 'x')}}};
        const auto reply = co_await client.transact(std::move(transaction));
        co_return reply.has_value();
    }
    // Of etcd, so far.
    [[nodiscard]] Seconds cpu() const {
        clockid_t clock{};
        timespec time{};
        ::clock_getcpuclockid(etcd_.process().pid(), &clock);
        ::clock_gettime(clock, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

private:
    RealEtcd etcd_;
    EtcdOptions options_{};
    asio::io_context context_{};
    std::list<EtcdClient> clients_{};
};

using Ask = std::function<Task(EtcdClient& client, int number)>;

struct Round {
    Clock::time_point end = Clock::now() + duration;
    std::vector<Seconds> took{};
    int failed = 0;
};

Task ask_until_end(EtcdClient& client, int number, const Ask& ask, Round& round) {
    while (Clock::now() < round.end) {
        const auto began = Clock::now();
        const bool good = co_await ask(client, number);
        round.took.emplace_back(Clock::now() - began);
        if (!good) ++round.failed;
    }
    co_return true;
}

// So many at a time, each again as soon as it is answered.
void measure_load(Bench& bench, const char* what, int at_a_time, const Ask& ask) {
    Round round;
    const auto began = Clock::now();
    const Seconds before = bench.cpu();
    for (int i = 0; i < at_a_time; ++i)
        asio::co_spawn(bench.context(), ask_until_end(bench.client(), i, ask, round), asio::detached);
    bench.context().restart();
    bench.context().run();
    const Seconds used = bench.cpu() - before, real = Clock::now() - began;
    std::ranges::sort(round.took);
    const std::size_t count = round.took.size();
    std::printf(
        "%s, %d at a time: %.0f a second, median %.2f ms, 99 %% within %.1f ms, CPU of etcd %.0f us each, %d failed\n",
        what, at_a_time, static_cast<double>(count) / real.count(), round.took[count / 2].count() * 1e3,
        round.took[count * 99 / 100].count() * 1e3, used.count() / static_cast<double>(count) * 1e6, round.failed);
    bench.forget_clients();
}

// Watches of clients of their own; `told` counts changes that came to one.
void start_watches(Bench& bench, int count, int& told) {
    int watching = 0;
    for (int i = 0; i < count; ++i)
        asio::co_spawn(bench.context(),
                       bench.client().watch(KeyRange::prefix("/w/"), 0,
                                            [&](const WatchNews& news) {
                                                if (news.changes.empty()) ++watching;
                                                told += static_cast<int>(news.changes.size());
                                            }),
                       asio::detached);
    bench.context().restart();
    while (watching < count) bench.context().run_one();
}

void measure_fan_out(Bench& bench, int watches) {
    constexpr int changes = 50;
    int told = 0;
    start_watches(bench, watches, told);
    EtcdClient& writer = bench.client();
    std::vector<Seconds> took;
    const Seconds before = bench.cpu();
    for (int i = 0; i < changes; ++i) {
        const auto began = Clock::now();
        asio::co_spawn(bench.context(), Bench::put(writer, "/w/x", 1024), asio::detached);
        while (told < (i + 1) * watches) bench.context().run_one();
        took.emplace_back(Clock::now() - began);
    }
    const Seconds used = bench.cpu() - before;
    std::ranges::sort(took);
    std::printf("a change of 1 KiB to %d watches: all told after %.1f ms (median), CPU of etcd %.2f ms a change\n",
                watches, took[changes / 2].count() * 1e3, used.count() / changes * 1e3);
    bench.forget_clients();
}

Task keep(EtcdClient& client, LeaseId lease, Clock::time_point first, Clock::time_point end, int& failed) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (auto next = first; next < end; next += 5s) {
        timer.expires_at(next);
        co_await timer.async_wait(asio::use_awaitable);
        const auto kept = co_await client.keep_alive(lease);
        if (!kept || kept->left == 0s) ++failed;
    }
    co_return true;
}

// Machines with a watch and a lease that is kept every five seconds, and nothing to tell.
void measure_fleet(Bench& bench, int machines) {
    int told = 0, failed = 0;
    start_watches(bench, machines, told);
    const auto began = Clock::now(), end = began + 20s;
    std::vector<LeaseId> leases;
    for (int i = 0; i < machines; ++i) leases.push_back(bench.run(bench.client().grant(15s)).value().lease);
    const Seconds before = bench.cpu();
    const auto from = Clock::now();
    for (int i = 0; i < machines; ++i)
        asio::co_spawn(bench.context(),
                       keep(bench.client(), leases[static_cast<std::size_t>(i)], from + i * 5s / machines, end, failed),
                       asio::detached);
    bench.context().restart();
    bench.context().run_until(end);
    const Seconds used = bench.cpu() - before, real = Clock::now() - from;
    std::printf("%d machines with nothing to do: etcd takes %.1f %% of a core, %d keep-alives failed\n", machines,
                used.count() / real.count() * 100, failed);
    bench.forget_clients();
}

} // namespace

int main() {
    if (!etcd_is_here()) return std::puts("etcd is not installed: not measured"), EXIT_SUCCESS;
    Bench bench;
    std::vector<LeaseId> leases;
    for (int i = 0; i < 64; ++i) leases.push_back(bench.run(bench.client().grant(600s)).value().lease);
    bench.forget_clients();
    for (const int at_a_time : {1, 16, 64})
        measure_load(bench, "keep-alives", at_a_time, [&](EtcdClient& client, int number) -> Task {
            const auto kept = co_await client.keep_alive(leases[static_cast<std::size_t>(number)]);
            co_return kept.has_value() && kept->left > 0s;
        });
    for (const int at_a_time : {1, 16, 64})
        measure_load(bench, "puts of 1 KiB", at_a_time, [](EtcdClient& client, int number) {
            return Bench::put(client, "/p/" + std::to_string(number), 1024);
        });
    for (const int watches : {1, 10, 100, 500}) measure_fan_out(bench, watches);
    for (const int machines : {3, 100, 300}) measure_fleet(bench, machines);
    return EXIT_SUCCESS;
}
