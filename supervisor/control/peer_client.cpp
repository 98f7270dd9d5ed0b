#include "supervisor/control/peer_client.h"

#include "base/address.h"

#include "supervisor/transport/channel.h"
#include "supervisor/transport/http_answer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace mpsup {

namespace {

namespace asio = boost::asio;

constexpr std::size_t body_limit = 16 * 1024 * 1024;
constexpr std::size_t longest_line = 8 * 1024 * 1024;
constexpr unsigned fine = 200;

// For people.
std::string sentence(const Error& error) {
    if (error.code == std::errc::timed_out) return "no answer in time";
    if (error.code == std::errc::connection_reset || error.code == std::errc::broken_pipe)
        return "it hangs up: its supervisor was stopped just now, or does not know this machine's address";
    const std::string text = error.to_string();
    constexpr std::string_view of_ours = "TLS: certificate verify failed: ";
    if (text.starts_with(of_ours)) return "its certificate is not believed: " + text.substr(of_ours.size());
    if (text.starts_with("TLS: ") && text.contains(" alert "))
        return "it does not believe this machine's certificate (" + text + "); its log says why";
    return text;
}

// Up to the head of the answer.
asio::awaitable<Result<>> ask(Channel& channel, HttpAnswer& answer, const Peer& peer, const std::string& path,
                              const PeerManner& manner, Channel::Deadline deadline) {
    auto session = manner.trust.ask(peer);
    if (!session) co_return std::unexpected(session.error());
    const auto address = Address::parse(peer.api).value_or(Address{}); // as the session has found it
    const auto connected = co_await channel.connect(address.ip, address.port, deadline, manner.from);
    if (!connected) co_return connected;
    const auto secured = co_await channel.secure(std::move(*session), deadline);
    if (!secured) co_return secured;
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + peer.api + "\r\nConnection: close\r\n\r\n";
    (void)co_await channel.write(request, deadline); // whoever refuses us says why before he hangs up
    const auto status = co_await answer.head(deadline);
    if (!status) co_return std::unexpected(status.error());
    if (*status != fine) co_return failure("it answered " + std::to_string(*status));
    co_return Result<>();
}

asio::awaitable<Result<std::string>> read_whole(const Peer& peer, const std::string& path, const PeerManner& manner) {
    const auto deadline = Channel::Clock::now() + manner.patience;
    Channel channel(co_await asio::this_coro::executor);
    HttpAnswer answer(channel);
    const auto asked = co_await ask(channel, answer, peer, path, manner, deadline);
    if (!asked) co_return std::unexpected(asked.error());
    auto body = co_await answer.rest(body_limit, deadline);
    co_return body;
}

// What belongs to those that are being asked at once.
struct Round {
    Round(const asio::any_io_executor& executor, std::size_t size)
        : replies(size), left(size), bell(executor, asio::steady_timer::time_point::max()) {}
    std::vector<PeerReply> replies;
    std::size_t left;
    asio::steady_timer bell;
};

asio::awaitable<void> ask_in_round(std::shared_ptr<Round> round, std::size_t at, Peer peer, std::string path,
                                   PeerManner manner) {
    auto body = co_await read_whole(peer, path, manner);
    PeerReply& reply = round->replies[at];
    if (body)
        reply.body = std::move(*body);
    else
        reply.why = sentence(body.error());
}

// Hands on whole lines; false: no more is wanted, or one is too long.
asio::awaitable<Result<bool>> hand_on(std::string& pending, const OnPeerLine& on_line) {
    std::size_t begin = 0;
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
        const bool more = co_await on_line(pending.substr(begin, end - begin));
        if (!more) co_return false;
        begin = end + 1;
    }
    pending.erase(0, begin);
    if (pending.size() > longest_line) co_return failure("a line of its answer is too long");
    co_return true;
}

asio::awaitable<Result<>> read_lines(const Peer& peer, const std::string& path, const PeerManner& manner,
                                     const OnPeerLine& on_line) {
    Channel channel(co_await asio::this_coro::executor);
    HttpAnswer answer(channel);
    const auto asked = co_await ask(channel, answer, peer, path, manner, Channel::Clock::now() + manner.patience);
    if (!asked) co_return std::unexpected(asked.error());
    std::string pending;
    for (;;) {
        const auto piece = co_await answer.piece(Channel::Clock::now() + manner.patience);
        if (!piece) co_return std::unexpected(piece.error());
        if (piece->empty()) co_return Result<>();
        pending += *piece;
        const Result<bool> more = co_await hand_on(pending, on_line); // which may take its time
        if (!more) co_return std::unexpected(more.error());
        if (!*more) co_return Result<>();
    }
}

} // namespace

asio::awaitable<std::vector<PeerReply>> ask_peers(std::vector<Peer> peers, std::string path, PeerManner manner) {
    const auto executor = co_await asio::this_coro::executor;
    const auto round = std::make_shared<Round>(executor, peers.size());
    for (std::size_t i = 0; i < peers.size(); ++i) {
        round->replies[i].machine = peers[i].machine;
        asio::co_spawn(executor, ask_in_round(round, i, peers[i], path, manner),
                       [round, i](const std::exception_ptr& thrown) {
                           if (thrown) round->replies[i].why = "no memory or no descriptor to ask it with";
                           if (--round->left == 0) round->bell.cancel();
                       });
    }
    boost::system::error_code ignored; // each has its own deadline, and the last one rings
    while (round->left > 0) co_await round->bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return std::move(round->replies);
}

asio::awaitable<Result<>> read_peer(Peer peer, std::string path, PeerManner manner, OnPeerLine on_line) {
    const auto read = co_await read_lines(peer, path, manner, on_line);
    if (!read) co_return failure(sentence(read.error()));
    co_return read;
}

} // namespace mpsup
