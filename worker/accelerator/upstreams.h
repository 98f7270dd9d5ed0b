// The connections of one event loop to its upstreams.
#pragma once

#include "worker/accelerator/upstream_connection.h"

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mpsup::accelerator {

/// Used in the thread of its loop. Keeps connections to TCP backends that may serve another request, most recently used
/// first, and watches the deadlines of all. Lives as long as the loop's coroutines; close() ends what belongs to the loop.
class Upstreams {
public:
    static constexpr std::chrono::milliseconds tick{100};
    // Then a kept connection is closed: before servers do it (KeepAliveTimeout of Apache: 5 s), so that none is held up
    // that drains.
    static constexpr std::chrono::milliseconds idle_time{4'000};
    static constexpr std::size_t kept_each = 64; // idle ones to one address

    explicit Upstreams(boost::asio::io_context& context);
    ~Upstreams();
    Upstreams(const Upstreams&) = delete;
    Upstreams& operator=(const Upstreams&) = delete;

    /// A connection in use. Ends it at its own end, unless it was kept.
    class Lease {
    public:
        Lease() noexcept = default;
        Lease(Lease&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), position_(other.position_) {}
        Lease& operator=(Lease&& other) noexcept;
        ~Lease() { end(); }

        [[nodiscard]] UpstreamConnection* operator->() const noexcept;
        [[nodiscard]] UpstreamConnection& operator*() const noexcept;
        [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }
        /// Has it served a request before?
        [[nodiscard]] bool is_used() const noexcept;

        /// Gives it back for other requests.
        void keep(http::TimePoint now);
        void end() noexcept;

    private:
        friend class Upstreams;
        struct Entry;
        Lease(Upstreams& owner, std::list<Entry>::iterator position) noexcept : owner_(&owner), position_(position) {}
        Upstreams* owner_ = nullptr;
        std::list<Entry>::iterator position_{};
    };

    /// `address` outlives this. A connection that was kept, if there is one and `kept` asks for it, which may have
    /// ended meanwhile; else one that is not connected.
    [[nodiscard]] Lease take(const UpstreamAddress& address, bool kept);

    /// Closes every connection and the timer. Leases stay good, for nothing but their end.
    void close() noexcept;

    [[nodiscard]] std::size_t idle() const noexcept;

private:
    struct Ticker;

    void start_ticking();
    void on_tick();

    boost::asio::io_context& context_;
    std::list<Lease::Entry> in_use_;
    std::unordered_map<const UpstreamAddress*, std::list<Lease::Entry>> idle_; // most recently used first
    std::unique_ptr<Ticker> ticker_;
};

} // namespace mpsup::accelerator
