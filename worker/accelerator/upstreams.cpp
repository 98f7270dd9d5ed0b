#include "worker/accelerator/upstreams.h"

#include <boost/asio/steady_timer.hpp>

namespace asio = boost::asio;

namespace mpsup::accelerator {

using http::Clock;
using http::TimePoint;

struct Upstreams::Lease::Entry {
    explicit Entry(asio::io_context& context, const UpstreamAddress& to) : connection(context), address(to) {}
    UpstreamConnection connection;
    const UpstreamAddress& address;
    bool used = false;
    TimePoint idle_since;
};

struct Upstreams::Ticker {
    explicit Ticker(asio::io_context& context) : timer(context) {}
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, http::Executor> timer;
    bool running = false;
};

Upstreams::Lease& Upstreams::Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    end();
    owner_ = std::exchange(other.owner_, nullptr);
    position_ = other.position_;
    return *this;
}

UpstreamConnection* Upstreams::Lease::operator->() const noexcept { return &position_->connection; }
UpstreamConnection& Upstreams::Lease::operator*() const noexcept { return position_->connection; }
bool Upstreams::Lease::is_used() const noexcept { return position_->used; }

void Upstreams::Lease::end() noexcept {
    if (Upstreams* owner = std::exchange(owner_, nullptr)) owner->in_use_.erase(position_);
}

void Upstreams::Lease::keep(TimePoint now) {
    Upstreams* owner = owner_;
    if (!owner || !owner->ticker_) return end();
    auto& idle = owner->idle_[&position_->address];
    if (idle.size() >= kept_each) return end();
    owner_ = nullptr;
    position_->used = true;
    position_->idle_since = now;
    idle.splice(idle.begin(), owner->in_use_, position_);
}

Upstreams::Upstreams(asio::io_context& context) : context_(context), ticker_(std::make_unique<Ticker>(context)) {}
Upstreams::~Upstreams() = default;

Upstreams::Lease Upstreams::take(const UpstreamAddress& address, bool kept) {
    start_ticking();
    if (const auto found = kept ? idle_.find(&address) : idle_.end(); found != idle_.end() && !found->second.empty()) {
        in_use_.splice(in_use_.begin(), found->second, found->second.begin());
        return {*this, in_use_.begin()};
    }
    in_use_.emplace_front(context_, address);
    return {*this, in_use_.begin()};
}

// While there is a connection: an idle worker sleeps.
void Upstreams::start_ticking() {
    if (!ticker_ || std::exchange(ticker_->running, true)) return;
    ticker_->timer.expires_after(tick);
    ticker_->timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_tick();
    });
}

void Upstreams::on_tick() {
    ticker_->running = false;
    const TimePoint now = Clock::now();
    for (Lease::Entry& entry : in_use_) entry.connection.expire(now);
    for (auto& [address, idle] : idle_)
        while (!idle.empty() && now - idle.back().idle_since >= idle_time) idle.pop_back();
    std::erase_if(idle_, [](const auto& each) { return each.second.empty(); });
    if (!in_use_.empty() || !idle_.empty()) start_ticking();
}

void Upstreams::close() noexcept {
    for (Lease::Entry& entry : in_use_) entry.connection.close();
    idle_.clear();
    ticker_.reset();
}

std::size_t Upstreams::idle() const noexcept {
    std::size_t count = 0;
    for (const auto& [address, idle] : idle_) count += idle.size();
    return count;
}

} // namespace mpsup::accelerator
