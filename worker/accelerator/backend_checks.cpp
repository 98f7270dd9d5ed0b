#include "worker/accelerator/backend_checks.h"

#include "worker/accelerator/upstreams.h"
#include "worker/http/error_log.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using http::TimePoint;

bool is_checked(const Destination& destination) noexcept {
    return destination.has_backends() &&
           (!destination.route().health.check_path.empty() || destination.addresses().size() > 1);
}

std::string request_for(const contract::BackendRule& rule, const UpstreamAddress& address) {
    const std::string host = address.is_unix() ? "localhost" : address.text;
    return "GET " + rule.check_path + " HTTP/1.1\r\nHost: " + host +
           "\r\nUser-Agent: mpsup-check\r\nConnection: close\r\n\r\n";
}

} // namespace

// Outlives BackendChecks as long as checks are under way; `open` says whether anybody still wants to know.
struct BackendChecks::Shared : std::enable_shared_from_this<Shared> {
    Shared(AcceleratorState& of, asio::io_context& in) : state(of), context(in), upstreams(in), timer(in) {}

    void begin() {
        timer.expires_after(look);
        timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && self->open) self->look_around();
        });
    }

    void look_around() {
        for (Destination* destination : checked)
            while (const auto index = destination->backends().due(Clock::now()))
                asio::co_spawn(context, check(shared_from_this(), *destination, *index), asio::detached);
        begin();
    }

    static Task<> check(std::shared_ptr<Shared> self, Destination& destination, std::size_t index) {
        const bool passed = co_await self->passes(destination, destination.addresses()[index]);
        if (!self->open) co_return;
        const BackendState before = destination.backends().view()[index].state;
        destination.backends().checked(index, passed, Clock::now());
        const BackendState after = destination.backends().view()[index].state;
        const std::string name = "backend " + destination.addresses()[index].text;
        if (before != after)
            http::log_error(http::Severity::warning, name + (after == BackendState::up ? " is up" : " is down"));
    }

    Task<bool> passes(Destination& destination, const UpstreamAddress& address) {
        const contract::BackendRule& rule = destination.route().health;
        const TimePoint deadline = Clock::now() + rule.check_timeout;
        const Upstreams::Lease connection = upstreams.take(address, false);
        auto failed = co_await connection->connect(address, deadline);
        if (!failed && address.tls) failed = co_await connection->secure(address, deadline);
        if (failed) co_return false;
        if (rule.check_path.empty()) co_return true;
        connection->reader().start({});
        const std::string request = request_for(rule, address);
        if (co_await connection->ask(request, deadline)) co_return false;
        for (;;) {
            const auto event = connection->reader().next();
            if (event == ResponseReader::Event::head) break;
            const bool goes_on = event == ResponseReader::Event::need_input || event == ResponseReader::Event::interim;
            if (!goes_on) co_return false;
            if (event == ResponseReader::Event::need_input && co_await connection->receive(deadline)) co_return false;
        }
        const int status = connection->reader().head().status;
        co_return status >= 200 && status < 400;
    }

    AcceleratorState& state;
    asio::io_context& context;
    std::vector<Destination*> checked;
    Upstreams upstreams;
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, http::Executor> timer;
    bool open = true;
};

BackendChecks::BackendChecks(AcceleratorState& state, asio::io_context& context)
    : shared_(std::make_shared<Shared>(state, context)) {
    for (std::size_t i = 0; i < state.front().routes.size(); ++i)
        if (Destination* destination = state.destination(i); destination && is_checked(*destination))
            shared_->checked.push_back(destination);
    if (!shared_->checked.empty()) shared_->begin();
}

BackendChecks::~BackendChecks() {
    shared_->open = false;
    shared_->timer.cancel();
    shared_->upstreams.close();
}

} // namespace mpsup::accelerator
