#include "supervisor/control/webhook.h"

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
using Stream = beast::basic_stream<asio::ip::tcp, asio::any_io_executor>;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, asio::any_io_executor>;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t header_limit = 16 * 1024;

// A name is looked up in a thread of Asio's, and nobody can interrupt that: a late answer is for nobody.
asio::awaitable<Resolver::results_type> look_up(const WebhookTarget& target, Clock::time_point deadline,
                                                boost::system::error_code& error) {
    const auto executor = co_await asio::this_coro::executor;
    if (const auto address = asio::ip::make_address(target.host, error); !error)
        co_return Resolver::results_type::create(asio::ip::tcp::endpoint(address, target.port), target.host, "");
    error = {};
    const auto resolver = std::make_shared<Resolver>(executor);
    asio::steady_timer timer(executor, deadline);
    timer.async_wait([resolver](const boost::system::error_code& cancelled) {
        if (!cancelled) resolver->cancel();
    });
    co_return co_await resolver->async_resolve(target.host, std::to_string(target.port),
                                               asio::redirect_error(asio::use_awaitable, error));
}

std::string sentence(const char* step, const boost::system::error_code& error) {
    if (error == beast::error::timeout || error == asio::error::operation_aborted) return "no answer in time";
    return std::string(step) + ": " + error.message();
}

asio::awaitable<std::string> exchange(const WebhookTarget& target, const std::string& json,
                                      Clock::time_point deadline) {
    boost::system::error_code error;
    const auto found = co_await look_up(target, deadline, error);
    if (error) co_return sentence("look up the host", error);
    Stream stream(co_await asio::this_coro::executor);
    stream.expires_at(deadline); // of all that follows
    co_await stream.async_connect(found, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return sentence("connect", error);
    http::request<http::string_body> request{http::verb::post, target.target, 11, json};
    request.set(http::field::host, target.authority);
    request.set(http::field::user_agent, "mpsup-webhook");
    request.set(http::field::content_type, "application/json");
    request.set(http::field::connection, "close");
    request.prepare_payload();
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return sentence("send", error);
    beast::flat_buffer buffer(header_limit);
    http::response_parser<http::empty_body> parser;
    parser.header_limit(header_limit);
    co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return sentence("read the answer", error);
    const unsigned status = parser.get().result_int();
    co_return status / 100 == 2 ? std::string() : "answered " + std::to_string(status);
}

} // namespace

asio::awaitable<std::string> post_webhook(WebhookTarget target, std::string json, std::chrono::milliseconds timeout) {
    std::string why;
    try {
        why = co_await exchange(target, json, Clock::now() + timeout);
    } catch (const std::exception& exception) {
        why = exception.what();
    }
    co_return why;
}

} // namespace mpsup
