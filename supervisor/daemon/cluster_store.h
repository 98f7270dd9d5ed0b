// What etcd says, carried to a cluster::Member: the lease, the listing and the watch that follows it, answers to transactions.
#pragma once

#include "supervisor/cluster/etcd_client.h"
#include "supervisor/cluster/member.h"
#include "supervisor/daemon/bell.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <random>
#include <string>

namespace mpsup {

/// One event loop. `member` outlives it, and after all that it is told `heard` is called: for its effects. Whoever runs coroutines
/// of this keeps it until they have ended.
class ClusterStore {
public:
    using Task = boost::asio::awaitable<void>;

    ClusterStore(const boost::asio::any_io_executor& executor, cluster::EtcdOptions options, cluster::Member& member,
                 std::mt19937_64& chance, std::function<void()> heard);

    /// Asks for a lease, renews it, and asks for another one when it is over. Until leave() or close().
    [[nodiscard]] Task keep_lease();
    /// Lists and watches, and lists anew when the watch is over. Until close().
    [[nodiscard]] Task follow();
    /// What is watched ends, and is listed anew.
    void list_anew();
    [[nodiscard]] Task send(cluster::Submit submit);

    /// The lease is not renewed any more.
    void leave() { is_leaving_ = true; }
    /// Gives it back, for others to know at once that we are gone.
    [[nodiscard]] Task give_lease_back();
    /// Until nothing of this is under way, or the deadline.
    [[nodiscard]] Task wait_until_quiet(std::chrono::steady_clock::time_point deadline);
    /// Ends all of it.
    void close();

    /// Why etcd takes nothing that is written, though it answers; empty: it does, as far as is known.
    [[nodiscard]] const std::string& write_problem() const { return write_problem_; }
    /// For what is not the member's business.
    [[nodiscard]] cluster::EtcdClient& client() { return client_; }

private:
    [[nodiscard]] Task renew(cluster::Time until);
    [[nodiscard]] Task watch(cluster::Revision from);
    [[nodiscard]] Task rest(std::chrono::milliseconds& pause);
    [[nodiscard]] std::chrono::milliseconds longest() const;
    void unreachable(const Error& why);
    void note_writing(const Result<cluster::TransactionReply>& reply);
    /// In words, with what can be done about it.
    [[nodiscard]] Error advised(const Error& why) const;
    [[nodiscard]] bool is_over() const { return is_closed_ || is_leaving_; }

    cluster::EtcdClient client_;
    cluster::Member& member_;
    std::mt19937_64& chance_;
    std::function<void()> heard_;
    cluster::LeaseId lease_ = 0;
    int under_way_ = 0; // transactions that are not answered, and leases that are given back
    Bell quieter_;
    std::string write_problem_;
    bool is_leaving_ = false;
    bool is_closed_ = false;
};

} // namespace mpsup
