#include "worker/accelerator/relay.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace asio = boost::asio;

namespace mpsup::accelerator {

using Event = ResponseReader::Event;
using http::Task;

Relay::Relay(http::Exchange& exchange, UpstreamCall& call, Spool& spool)
    : exchange_(exchange), call_(call), spool_(spool) {}

// What is here already. True: that is all of it.
bool Relay::gather(std::size_t& count) {
    while (count < most_ready && (last_ = call_.next()) == Event::piece) ready_[count++] = call_.piece();
    return last_ == Event::end;
}

void Relay::client_left() {
    if (std::exchange(gone_, true)) return;
    if (is_wanted())
        call_.hurry(http::Clock::now() + patience_);
    else
        call_.cancel();
}

Task<> Relay::run(const Head& head) {
    buffered_ = head.buffered;
    std::size_t count = 0;
    http::ResponseHead out{head.status, head.fields, head.length, false};
    // Of a HEAD nobody knows the length unless the upstream says it.
    if (gather(count) && !out.length && exchange_.request().method != "HEAD") {
        std::uint64_t size = 0;
        for (std::size_t i = 0; i < count; ++i) size += ready_[i].size();
        out.length = size;
    }
    if (!gone_ && !exchange_.begin(out)) {
        co_await refuse();
        co_return;
    }
    if (!buffered_ && count == 0 && last_ == Event::need_input && !gone_) co_await deliver({});
    for (std::size_t i = 0; i < count && is_wanted(); ++i)
        if (!deliver_at_once(ready_[i])) co_await deliver(ready_[i]);
    if (last_ == Event::piece) last_ = call_.next();
    while (is_wanted() && last_ != Event::end && problem_.empty()) {
        if (last_ == Event::piece) {
            std::string_view piece = call_.piece();
            if (!deliver_at_once(piece)) co_await deliver(piece);
        } else if (last_ == Event::need_input) {
            if (const auto failed = co_await call_.wait()) problem_ = failed->reason;
        } else {
            problem_ = call_.problem() ? call_.problem() : "no response";
        }
        if (problem_.empty() && is_wanted()) last_ = call_.next();
    }
    const bool whole = problem_.empty() && last_ == Event::end;
    if (whole && whole_) whole_();
    if (last_ == Event::end)
        call_.release();
    else if (gone_)
        call_.cancel();
    while (pumping_) static_cast<void>(co_await signal_->wait());
    // What waited in the spool may have been lost meanwhile.
    if (!gone_) static_cast<void>(co_await exchange_.finish(whole && problem_.empty()));
}

// Apart, for a Reply is large and run() is made for each request.
Task<> Relay::refuse() {
    problem_ = "the response has bad fields";
    http::Reply reply;
    reply.status = 502;
    static_cast<void>(co_await exchange_.send(reply));
}

// What the client takes without being waited for. True: that was all of it; else `piece` is what is left.
bool Relay::deliver_at_once(std::string_view& piece) {
    see(piece);
    if (gone_) return true;
    if (!buffered_ || pumping_) return false;
    piece.remove_prefix(exchange_.try_write(piece));
    return piece.empty();
}

// The rest of it.
Task<> Relay::deliver(std::string_view piece) {
    while (buffered_ && !gone_) {
        if (spool_.append(piece) == Spool::Append::stored) co_return start_pump();
        // There is no room, or never was: the client sets the pace.
        if (!pumping_) break;
        static_cast<void>(co_await signal_->wait());
    }
    if (gone_) co_return;
    const bool written = co_await exchange_.write(piece);
    if (!written) client_left();
}

void Relay::start_pump() {
    if (std::exchange(pumping_, true)) return;
    if (!signal_) signal_ = std::make_unique<Signal>(exchange_.context());
    asio::co_spawn(exchange_.context(), pump(), asio::detached);
}

Task<> Relay::pump() {
    while (!gone_ && spool_.begin() < spool_.size()) {
        const auto piece = spool_.at(spool_.begin());
        if (!piece) {
            problem_ = piece.error().to_string();
            break;
        }
        const std::uint64_t end = spool_.begin() + piece->size();
        const bool written = co_await exchange_.write(*piece);
        if (!written) client_left();
        spool_.drop(end);
        signal_->tell();
    }
    pumping_ = false;
    signal_->tell();
}

} // namespace mpsup::accelerator
