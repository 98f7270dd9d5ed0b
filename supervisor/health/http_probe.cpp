#include "supervisor/health/probe.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace mpsup {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Stream = beast::basic_stream<asio::local::stream_protocol, asio::any_io_executor>;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 64 * 1024;
constexpr std::size_t quoted_length = 120;

std::string first_line(const std::string& body) {
    std::string line = body.substr(0, std::min(body.find_first_of("\r\n"), quoted_length));
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    return line;
}

http::request<http::empty_body> make_request(const ProbeTarget& target) {
    http::request<http::empty_body> request{target.path ? http::verb::get : http::verb::options,
                                            target.path ? *target.path : "*", 11};
    request.set(http::field::host, target.host);
    request.set(http::field::user_agent, "mpsup-probe");
    request.set(http::field::connection, "close");
    return request;
}

std::string name_of(const ProbeTarget& target) { return target.path ? "GET " + *target.path : "OPTIONS *"; }

// The reply, or what stopped us from getting one.
asio::awaitable<std::string> exchange(Stream& stream, const ProbeTarget& target, unsigned& status) {
    boost::system::error_code error;
    const asio::local::stream_protocol::endpoint endpoint(target.socket);
    co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return "cannot connect: " + error.message();
    const auto request = make_request(target);
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return "cannot send: " + error.message();
    beast::flat_buffer buffer(header_limit + body_limit);
    http::response_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(body_limit);
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    // A page longer than the cap is still an answer.
    if (error && !(error == http::error::body_limit && parser.is_header_done())) {
        if (error == beast::error::timeout) co_return "no answer in time";
        co_return "no usable answer: " + error.message();
    }
    status = parser.get().result_int();
    const std::string line = first_line(parser.get().body());
    co_return "answered " + std::to_string(status) + (line.empty() ? "" : ": " + line);
}

} // namespace

asio::awaitable<ProbeResult> HttpProbe::run(ProbeTarget target) {
    const auto began = Clock::now();
    Stream stream(co_await asio::this_coro::executor);
    stream.expires_after(target.timeout); // one deadline for the whole exchange
    unsigned status = 0;
    ProbeResult result;
    try {
        result.why = co_await exchange(stream, target, status);
    } catch (const std::exception& exception) {
        result.why = exception.what();
    }
    result.latency = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    result.passed = status >= 200 && status < 400;
    result.why = result.passed ? std::string() : name_of(target) + ": " + result.why;
    co_return result;
}

} // namespace mpsup
