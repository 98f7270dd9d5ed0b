// Talking to etcd, through the JSON gateway of its members (etcd 3.4, paths below /v3/).
#pragma once

#include "base/error.h"
#include "supervisor/cluster/etcd_endpoint.h"
#include "supervisor/cluster/etcd_messages.h"
#include "supervisor/transport/tls.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mpsup::cluster {

struct EtcdOptions {
    std::vector<EtcdEndpoint> endpoints{};                // of one cluster; one at least
    std::string user{};                                   // empty: none
    std::string password_file{};                          // a secret (read_secret), read at each login
    tls::Files tls{};                                     // of https; read for each connection
    std::string tls_plugin{};                             // empty: tls.so beside the program
    std::chrono::milliseconds patience{3'000};            // with one endpoint: connect, ask and hear the answer
    std::chrono::milliseconds keep_alive_patience{2'000}; // the same of keep_alive
};

/// Endpoints are asked in turn, the one that answered last first. What an endpoint answers that is no answer of
/// etcd's, too much or too late, is as if it did not answer. An error is etcd's refusal, with its code, or says of
/// each endpoint why it did not answer. std::errc::operation_canceled after cancel(). One event loop; any number of
/// operations at a time; arguments are not looked at after the call.
class EtcdClient {
public:
    template <typename Reply> using Answer = boost::asio::awaitable<Result<Reply>>;

    explicit EtcdClient(EtcdOptions options);
    /// cancel()
    ~EtcdClient();
    EtcdClient(const EtcdClient&) = delete;
    EtcdClient& operator=(const EtcdClient&) = delete;

    [[nodiscard]] Answer<GetReply> get(const Get& get);
    /// Not tried again when it may have been done. After an error that is no refusal nobody knows whether it was: look.
    [[nodiscard]] Answer<TransactionReply> transact(const Transaction& transaction);
    [[nodiscard]] Answer<LeaseReply> grant(std::chrono::seconds time);
    /// `left` is 0 when there is no such lease.
    [[nodiscard]] Answer<LeaseReply> keep_alive(LeaseId lease);
    /// EtcdCode::not_found: there is no such lease.
    [[nodiscard]] Answer<EtcdHeader> revoke(LeaseId lease);

    /// Tells all that changes from that revision on, in order, and etcd's words in between: at first that it watches.
    /// Returns why it is over: the member ended it (out_of_range: compacted, list anew), it lost its leader or the
    /// connection, or another operation found that the member does not answer. Changes may have been missed then:
    /// watch again from the revision after the last one that was told.
    [[nodiscard]] boost::asio::awaitable<Error> watch(const KeyRange& keys, Revision from,
                                                      std::function<void(const WatchNews&)> news);

    /// Ends the watches that were asked for, with std::errc::operation_canceled.
    void end_watches();
    /// Ends every operation, and all that are asked for later.
    void cancel();
    /// URL of the endpoint that answered last.
    [[nodiscard]] std::string endpoint() const;

private:
    std::shared_ptr<class EtcdConnections> connections_; // operations hold it too
};

} // namespace mpsup::cluster
