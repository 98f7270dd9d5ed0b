// Routes requests to files, a pool or backends, through a cache.
#pragma once

#include "worker/accelerator/accelerator_state.h"
#include "worker/accelerator/backend_checks.h"
#include "worker/accelerator/client_identity.h"
#include "worker/accelerator/disk_reads.h"
#include "worker/accelerator/upstreams.h"
#include "worker/cache/cache_request.h"
#include "worker/http/handler.h"
#include "worker/static/error_pages.h"
#include "worker/static/static_files.h"

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace mpsup::accelerator {

/// When whoever was refused for want of room may ask again.
constexpr std::chrono::seconds usual_pause{2};

/// The handler of one event loop. Files and fresh responses of the cache are answered at once, in begin(); everything else is
/// a Forwarding, in serve(). Each thread has its own, with its own connections to upstreams; what they share is the state.
class Accelerator final : public http::Handler {
public:
    /// `state` outlives it.
    [[nodiscard]] static Result<std::unique_ptr<Accelerator>> make(AcceleratorState& state);

    [[nodiscard]] Verdict begin(const http::Request& request, const http::Client& client, http::LogNotes& notes,
                                http::Reply& reply) override;
    [[nodiscard]] http::Task<> serve(http::Exchange& exchange) override;
    [[nodiscard]] std::shared_ptr<const std::string> refusal_page(int status, const http::Request* request) override;
    void attach(boost::asio::io_context& context) override;
    void detach() noexcept override;

    // For the parts of a request's way, which live no longer than this and run in its thread.

    [[nodiscard]] AcceleratorState& state() noexcept { return state_; }
    [[nodiscard]] Upstreams& upstreams() noexcept { return *upstreams_; }
    [[nodiscard]] boost::asio::io_context& context() noexcept { return *context_; }
    /// What the cache has for a request; from the disk if need be.
    [[nodiscard]] http::Task<cache::Store::Found> find(const cache::CacheRequest& asked,
                                                       std::span<const http::Field> request_fields);
    [[nodiscard]] DiskReads& disk_reads() noexcept { return *disk_reads_; }
    /// The files of a route, or null.
    [[nodiscard]] static_files::StaticFiles* files(std::size_t route) noexcept { return files_[route].get(); }
    void make_request_id(std::string& id) { accelerator::make_request_id(random_(), random_(), id); }
    /// `reply` becomes one that we give ourselves, with the site's page for it. `route`: that it is for, or none.
    /// `retry_after`: 0 for none.
    void refuse(http::Reply& reply, int status, const contract::Route* route, std::chrono::seconds retry_after = {});
    /// A line in the error log; of many a second the rest is counted.
    void complain(std::string_view message);
    /// A cached response that may be used as it is; false: ask further.
    [[nodiscard]] bool answer_from_store(const http::Request& request, const cache::CacheRequest& asked,
                                         http::LogNotes& notes, http::Reply& reply);

private:
    explicit Accelerator(AcceleratorState& state);

    [[nodiscard]] Result<> open_files();
    [[nodiscard]] Verdict answer_files(std::size_t index, const http::Request& request, http::Reply& reply);
    [[nodiscard]] static_files::ErrorPages* pages_of(const contract::Route* route) noexcept;

    AcceleratorState& state_;
    std::vector<std::unique_ptr<static_files::StaticFiles>> files_;      // by route
    std::vector<std::unique_ptr<static_files::ErrorPages>> error_pages_; // by route, and at last those of the front
    const char* routed_ = nullptr; // target of the request that begin() has just routed …
    std::size_t route_ = 0;        // … to this one
    boost::asio::io_context* context_ = nullptr;
    std::unique_ptr<Upstreams> upstreams_;
    std::unique_ptr<DiskReads> disk_reads_;
    std::unique_ptr<BackendChecks> checks_; // of one of the handlers, for all
    std::mt19937_64 random_;
    http::TimePoint complaints_since_{};
    std::uint64_t complaints_ = 0; // since then
};

} // namespace mpsup::accelerator
