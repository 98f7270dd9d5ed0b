// Hands the response of an upstream to a client.
#pragma once

#include "worker/accelerator/signal.h"
#include "worker/accelerator/spool.h"
#include "worker/accelerator/upstream_call.h"
#include "worker/http/exchange.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace mpsup::accelerator {

/// Takes the response off the upstream as fast as it comes: what the client takes at once goes to it directly, and what
/// it does not take waits in a spool, out of which a second coroutine feeds the client. Only when the spool is full does the
/// upstream wait. Unbuffered, each piece goes out before the next is read.
/// A response that ends too early is cut for the client too, so that nobody takes it for whole.
class Relay {
public:
    struct Head {
        int status = 200;
        std::span<const http::Field> fields;
        std::optional<std::uint64_t> length; // as far as the upstream said
        bool buffered = true;
    };

    /// All outlive it.
    Relay(http::Exchange& exchange, UpstreamCall& call, Spool& spool);

    /// Sees each piece, before it is sent: a cache that stores it.
    void on_piece(std::function<void(std::string_view)> seen) { seen_ = std::move(seen); }
    /// Called when the response is whole, before its end is sent.
    void on_whole(std::function<void()> whole) { whole_ = std::move(whole); }

    /// When the client leaves, the rest is taken for on_piece() alone, as long as `worth` says that it is of use, and no
    /// longer than `patience`. Otherwise the call is cancelled.
    void finish_without_client(std::function<bool()> worth, std::chrono::milliseconds patience) {
        worth_ = std::move(worth);
        patience_ = patience;
    }
    /// It has left. Before or during run(), in the thread of the loop.
    void client_left();

    /// The answer from its head to its end.
    [[nodiscard]] http::Task<> run(const Head& head);
    /// Why it was cut; empty: it was not.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    [[nodiscard]] http::Task<> refuse();
    [[nodiscard]] bool gather(std::size_t& count);
    [[nodiscard]] bool is_wanted() const { return !gone_ || (worth_ && worth_()); }
    [[nodiscard]] bool deliver_at_once(std::string_view& piece);
    [[nodiscard]] http::Task<> deliver(std::string_view piece);
    [[nodiscard]] http::Task<> pump();
    void start_pump();
    void see(std::string_view piece) const {
        if (seen_) seen_(piece);
    }

    static constexpr std::size_t most_ready = 8;

    http::Exchange& exchange_;
    UpstreamCall& call_;
    Spool& spool_;
    std::function<void(std::string_view)> seen_;
    std::function<void()> whole_;
    std::function<bool()> worth_;
    std::chrono::milliseconds patience_{0};
    std::array<std::string_view, most_ready> ready_; // pieces that came with the head
    ResponseReader::Event last_ = ResponseReader::Event::need_input;
    std::unique_ptr<Signal> signal_; // made when the pump starts: room in the spool, or its end
    std::string problem_;
    bool buffered_ = true;
    bool pumping_ = false;
    bool gone_ = false; // the client
};

} // namespace mpsup::accelerator
