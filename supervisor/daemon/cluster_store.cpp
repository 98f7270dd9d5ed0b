#include "supervisor/daemon/cluster_store.h"

#include "supervisor/cluster/etcd_advice.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/history.h"
#include "supervisor/daemon/moment_now.h"
#include "supervisor/daemon/under_way.h"

#include <algorithm>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds longest_pause{5'000};
constexpr std::chrono::milliseconds urgent_pause{500};    // longest, while an address runs out
constexpr std::chrono::milliseconds renewal_again{1'000}; // after one that failed

// Etcd may grant more than was asked for.
cluster::Time end_of(const cluster::LeaseReply& lease, cluster::Time sent) {
    return sent + std::min(lease.left, cluster::lease_time);
}

} // namespace

ClusterStore::ClusterStore(const asio::any_io_executor& executor, cluster::EtcdOptions options, cluster::Member& member,
                           std::mt19937_64& chance, std::function<void()> heard)
    : client_(std::move(options)), member_(member), chance_(chance), heard_(std::move(heard)), quieter_(executor) {}

asio::awaitable<void> ClusterStore::keep_lease() {
    auto pause = first_pause;
    while (!is_over()) {
        const cluster::Time sent = boot_now();
        const auto granted = co_await client_.grant(cluster::lease_time);
        if (is_over()) co_return;
        if (!granted) {
            unreachable(granted.error());
            list_anew(); // what it knows is learnt anew with the lease
            co_await rest(pause);
            continue;
        }
        pause = first_pause;
        lease_ = granted->lease;
        const cluster::Time until = end_of(*granted, sent);
        member_.on_lease(lease_, until, moment_now());
        heard_();
        const cluster::Time began = boot_now();
        co_await renew(until);
        if (is_over()) co_return;
        lease_ = 0;
        member_.on_lease_lost(moment_now());
        heard_();
        if (boot_now() < began + first_pause) co_await rest(pause); // it was granted for no time
    }
}

// Until it is over, by the store's word or by our own clock.
asio::awaitable<void> ClusterStore::renew(cluster::Time until) {
    std::chrono::milliseconds pause = member_.renewal();
    while (!is_closed_ && boot_now() < until) {
        co_await pause_for(pause);
        const cluster::Time sent = boot_now();
        if (is_over()) co_return;
        const auto kept = co_await client_.keep_alive(lease_);
        if (is_over()) co_return;
        pause = kept ? std::chrono::milliseconds(member_.renewal()) : std::min(renewal_again, longest());
        if (!kept) {
            unreachable(kept.error());
            list_anew(); // it may hear nothing either, and not know it
            continue;
        }
        if (kept->left.count() <= 0) co_return;
        until = end_of(*kept, sent);
        member_.on_lease(lease_, until, moment_now());
        heard_();
    }
}

asio::awaitable<void> ClusterStore::follow() {
    auto pause = first_pause;
    while (!is_closed_) {
        const auto listed = co_await client_.transact(member_.listing());
        if (is_closed_) co_return;
        if (!listed) {
            unreachable(listed.error());
            co_await rest(pause);
            continue;
        }
        member_.on_listed(*listed, moment_now());
        heard_();
        const auto began = SteadyClock::now();
        co_await watch(listed->header.revision + 1);
        // One that is refused at once is not asked for as fast as etcd can refuse it.
        if (SteadyClock::now() - began < first_pause)
            co_await rest(pause);
        else
            pause = first_pause;
    }
}

asio::awaitable<void> ClusterStore::watch(cluster::Revision from) {
    const Error over = co_await client_.watch(cluster::KeyRange::prefix(member_.prefix()), from,
                                              [this](const cluster::WatchNews& news) {
                                                  if (is_closed_) return;
                                                  member_.on_news(news, moment_now());
                                                  heard_();
                                              });
    if (!is_closed_ && over.code != std::errc::operation_canceled)
        log_line("info", "etcd's watch ended: " + over.to_string());
}

void ClusterStore::list_anew() { client_.end_watches(); }

void ClusterStore::unreachable(const Error& why) {
    member_.on_unreachable(advised(why).what, moment_now());
    heard_();
}

Error ClusterStore::advised(const Error& why) const {
    std::string words = why.to_string();
    if (const std::string advice = cluster::etcd_advice(words, member_.prefix()); !advice.empty())
        words += " (" + advice + ")";
    return {std::move(words), why.code};
}

std::chrono::milliseconds ClusterStore::longest() const { return member_.is_urgent() ? urgent_pause : longest_pause; }

// A random part of it, so that a thousand machines do not ask a store that comes back at one moment.
asio::awaitable<void> ClusterStore::rest(std::chrono::milliseconds& pause) {
    pause = std::min(pause, longest());
    std::uniform_int_distribution<std::int64_t> part(pause.count() / 2, pause.count());
    const std::chrono::milliseconds time(part(chance_));
    pause = std::min(pause * 2, longest_pause);
    co_await pause_for(time);
}

asio::awaitable<void> ClusterStore::send(cluster::Submit submit) {
    Result<cluster::TransactionReply> reply = failure("the transaction was not sent");
    {
        const UnderWay one(under_way_);
        failpoint();
        try {
            reply = co_await client_.transact(submit.transaction);
        } catch (const std::exception& thrown) { // memory: the member must hear that it has no answer
            reply = failure(std::string("the transaction was not sent: ") + thrown.what());
        }
    }
    failpoint();
    quieter_.ring();
    if (is_closed_) co_return;
    note_writing(reply);
    if (!reply) reply = std::unexpected(advised(reply.error()));
    member_.on_answer(submit.request, reply, moment_now());
    heard_();
}

// A permission, a password, room on its disk: leases and watches go on without, so nothing else tells. Where nobody answers the
// lease tells; what is no word of etcd's and no error of a connection was found here, as that the password cannot be read.
void ClusterStore::note_writing(const Result<cluster::TransactionReply>& reply) {
    const bool is_unanswered = !reply && reply.error().code && !cluster::is_refusal(reply.error());
    if (is_unanswered) return;
    std::string problem = reply ? "" : advised(reply.error()).what;
    if (problem == write_problem_) return;
    if (problem.empty())
        log_line("info", "etcd takes what is written again");
    else
        log_line("warning", "etcd takes nothing that is written: " + problem);
    write_problem_ = std::move(problem);
}

asio::awaitable<void> ClusterStore::give_lease_back() {
    const cluster::LeaseId lease = std::exchange(lease_, 0);
    if (lease == 0) co_return;
    {
        const UnderWay one(under_way_);
        (void)co_await client_.revoke(lease); // else it ends by itself
    }
    quieter_.ring();
}

asio::awaitable<void> ClusterStore::wait_until_quiet(SteadyClock::time_point deadline) {
    while (under_way_ > 0 && SteadyClock::now() < deadline) co_await quieter_.wait_until(deadline);
}

void ClusterStore::close() {
    is_closed_ = true;
    client_.cancel();
    quieter_.ring();
}

} // namespace mpsup
