#include "supervisor/health/probe.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>

namespace mpsup {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Stream = beast::basic_stream<asio::ip::tcp, asio::any_io_executor>;
using Clock = std::chrono::steady_clock;

asio::awaitable<ProbeResult> TcpProbe::run(ProbeTarget target) {
    const auto began = Clock::now();
    const auto executor = co_await asio::this_coro::executor;
    ProbeResult result;
    result.passed = true;
    for (const Address& address : target.tcp) {
        Stream stream(executor);
        stream.expires_at(began + target.timeout); // one deadline for all of them
        boost::system::error_code error;
        const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.ip, error), address.port);
        if (!error) co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
        if (!error) continue;
        result.passed = false;
        result.why = "connect to " + address.to_string() + ": " +
                     (error == beast::error::timeout ? "no answer in time" : error.message());
        break;
    }
    result.latency = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    co_return result;
}

} // namespace mpsup
