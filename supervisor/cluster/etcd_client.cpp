#include "supervisor/cluster/etcd_client.h"

#include "supervisor/cluster/etcd_connections.h"
#include "supervisor/cluster/etcd_question.h"
#include "supervisor/cluster/etcd_watch.h"

#include <utility>

namespace mpsup::cluster {

namespace asio = boost::asio;

namespace {

template <typename Reply>
asio::awaitable<Result<Reply>> ask(Connections connections, Question question,
                                   std::function<Result<Reply>(std::string_view)> read_reply) {
    Reply reply;
    const ReadAnswer read = [&](const std::string& text) -> Result<> {
        auto got = read_reply(text);
        if (!got) return std::unexpected(got.error());
        reply = std::move(*got);
        return {};
    };
    const auto asked = co_await ask(std::move(connections), std::move(question), read);
    if (!asked) co_return std::unexpected(asked.error());
    co_return std::move(reply);
}

Result<EtcdHeader> read_revoked(std::string_view text) {
    const auto reply = read_get(text); // a header is all there is
    if (!reply) return std::unexpected(reply.error());
    return reply->header;
}

// The answer to lease/keepalive is a stream; of one request there is one line.
Result<LeaseReply> read_first_line(std::string_view text) { return read_kept_alive(text.substr(0, text.find('\n'))); }

} // namespace

EtcdClient::EtcdClient(EtcdOptions options) : connections_(std::make_shared<EtcdConnections>(std::move(options))) {}

EtcdClient::~EtcdClient() { cancel(); }

EtcdClient::Answer<GetReply> EtcdClient::get(const Get& get) {
    return ask<GetReply>(connections_, {"/v3/kv/range", to_json(get), connections_->options().patience}, read_get);
}

EtcdClient::Answer<TransactionReply> EtcdClient::transact(const Transaction& transaction) {
    return ask<TransactionReply>(
        connections_, {"/v3/kv/txn", to_json(transaction), connections_->options().patience, false}, read_transaction);
}

EtcdClient::Answer<LeaseReply> EtcdClient::grant(std::chrono::seconds time) {
    return ask<LeaseReply>(connections_, {"/v3/lease/grant", lease_grant(time), connections_->options().patience},
                           read_lease);
}

EtcdClient::Answer<LeaseReply> EtcdClient::keep_alive(LeaseId lease) {
    constexpr bool needs_login = false; // a lease outlives the password by which it was got
    return ask<LeaseReply>(
        connections_,
        {"/v3/lease/keepalive", lease_named(lease), connections_->options().keep_alive_patience, true, needs_login},
        read_first_line);
}

EtcdClient::Answer<EtcdHeader> EtcdClient::revoke(LeaseId lease) {
    return ask<EtcdHeader>(connections_, {"/v3/lease/revoke", lease_named(lease), connections_->options().patience},
                           read_revoked);
}

asio::awaitable<Error> EtcdClient::watch(const KeyRange& keys, Revision from, Tell news) {
    return watch_any(connections_, {"/v3/watch", watch_request(keys, from), connections_->options().patience}, from,
                     connections_->watch_turn(), std::move(news));
}

void EtcdClient::end_watches() { connections_->end_watches(); }

void EtcdClient::cancel() { connections_->cancel(); }

std::string EtcdClient::endpoint() const { return connections_->at(connections_->order().front()).url(); }

} // namespace mpsup::cluster
