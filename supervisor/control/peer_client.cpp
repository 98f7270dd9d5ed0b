#include "supervisor/control/peer_client.h"

#include "base/address.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>

namespace mpsup {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Stream = beast::basic_stream<Tcp, asio::any_io_executor>;

constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 16 * 1024 * 1024;
constexpr std::size_t longest_line = 8 * 1024 * 1024;
constexpr std::size_t block = 64 * 1024;

std::string sentence(const char* step, const boost::system::error_code& error) {
    if (error == beast::error::timeout) return "no answer in time";
    return std::string(step) + ": " + error.message();
}

// Empty: it is connected, and asked. The deadline is the caller's.
asio::awaitable<std::string> ask(Stream& stream, const Peer& peer, const std::string& path, const PeerManner& manner) {
    const auto address = Address::parse(peer.api);
    if (!address) co_return "it does not say where it can be asked";
    boost::system::error_code error;
    const Tcp::endpoint endpoint(asio::ip::make_address(address->ip, error), address->port);
    if (!error) stream.socket().open(endpoint.protocol(), error);
    if (!error && !manner.from.empty()) {
        const auto from = asio::ip::make_address(manner.from, error);
        if (!error && from.is_v6() == endpoint.address().is_v6()) stream.socket().bind({from, 0}, error);
        if (error) co_return sentence("come from our own address", error);
    }
    co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return sentence("connect", error);
    http::request<http::empty_body> request{http::verb::get, path, 11};
    request.set(http::field::host, peer.api);
    request.set(http::field::connection, "close");
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
    co_return error ? sentence("ask", error) : std::string();
}

asio::awaitable<void> read_whole(const std::string& path, const PeerManner& manner, const Peer& peer,
                                 PeerReply& reply) {
    Stream stream(co_await asio::this_coro::executor);
    stream.expires_after(manner.patience); // of all that follows
    reply.why = co_await ask(stream, peer, path, manner);
    if (!reply.why.empty()) co_return;
    beast::flat_buffer buffer(header_limit + body_limit);
    http::response_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(body_limit);
    boost::system::error_code error;
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        reply.why = sentence("read its answer", error);
    else if (parser.get().result_int() != 200)
        reply.why = "it answered " + std::to_string(parser.get().result_int());
    else
        reply.body = std::move(parser.get().body());
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
    co_await read_whole(path, manner, peer, round->replies[at]);
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
    Stream stream(co_await asio::this_coro::executor);
    stream.expires_after(manner.patience);
    const std::string why = co_await ask(stream, peer, path, manner);
    if (!why.empty()) co_return failure(why);
    beast::flat_buffer buffer(header_limit + block);
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(boost::none);
    boost::system::error_code error;
    co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failure(sentence("read its answer", error));
    if (parser.get().result_int() != 200) co_return failure("it answered " + std::to_string(parser.get().result_int()));
    std::string piece(block, '\0');
    std::string pending;
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        stream.expires_after(manner.patience);
        co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error == http::error::need_buffer) error = {};
        if (error) co_return failure(sentence("read its answer", error));
        pending.append(piece.data(), piece.size() - parser.get().body().size);
        stream.expires_never(); // whoever takes the lines may take his time
        const Result<bool> more = co_await hand_on(pending, on_line);
        if (!more) co_return std::unexpected(more.error());
        if (!*more) break;
    }
    co_return Result<>();
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
    co_return co_await read_lines(peer, path, manner, on_line);
}

} // namespace mpsup
