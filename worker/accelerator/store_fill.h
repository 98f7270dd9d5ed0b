// The way of a response from the upstream into the cache.
#pragma once

#include "worker/accelerator/upstream_call.h"
#include "worker/cache/cache_request.h"
#include "worker/cache/flights.h"
#include "worker/cache/freshness.h"
#include "worker/cache/storable.h"
#include "worker/cache/store.h"
#include "worker/cache/validation.h"

#include <chrono>
#include <optional>
#include <string_view>

namespace mpsup::accelerator {

/// One response. Those that wait for it (`leader`) are told as soon as it is known what becomes of it.
class StoreFill {
public:
    /// `store` and `rule` outlive it. `mark`: of the store, from before the upstream was asked; 0: from when begin() is
    /// called, for a request that itself erases what it changes.
    StoreFill(cache::Store& store, const cache::Rule& rule, std::uint64_t max_object, cache::Leader leader,
              std::uint64_t mark) noexcept
        : store_(store), rule_(rule), max_object_(max_object), leader_(std::move(leader)), mark_(mark) {}

    /// The head of the answer to `asked` is there. `expires`: X-Accel-Expires, which counts for more than what the response
    /// says to all; 0: nothing is stored. Nothing of what is given is kept.
    void begin(const cache::CacheRequest& asked, int status, cache::Fields fields, cache::Fields request_fields,
               const cache::Times& times, std::optional<std::uint64_t> length,
               std::optional<std::chrono::seconds> expires);
    void piece(std::string_view piece);
    /// The content is whole.
    void whole();
    /// Nothing is stored, whatever comes.
    void abandon() noexcept;

    [[nodiscard]] bool storing() const noexcept { return static_cast<bool>(writer_); }
    /// Should the rest be fetched though the client it was asked for is gone? Others wait for it, or half of it is here.
    [[nodiscard]] bool is_worth_finishing() const;
    /// Why not: a constant.
    [[nodiscard]] const char* reason() const noexcept { return reason_; }
    [[nodiscard]] const cache::Metadata& metadata() const noexcept { return metadata_; }
    void land(cache::Landing landing);

private:
    cache::Store& store_;
    const cache::Rule& rule_;
    const std::uint64_t max_object_;
    cache::Leader leader_;
    const std::uint64_t mark_;
    cache::StoreWriter writer_;
    cache::Metadata metadata_;
    std::optional<std::uint64_t> length_;
    std::uint64_t size_ = 0;
    const char* reason_ = "";
};

/// Takes the rest of a response for the cache alone, as long as it is stored.
[[nodiscard]] http::Task<> fill_from(StoreFill& fill, UpstreamCall& call);
/// The same beside everything else in `context`, whose loop the call belongs to, for those who have no use for the rest
/// themselves. Ends with the call's connection, by `until` at the latest.
void fill_aside(boost::asio::io_context& context, StoreFill fill, UpstreamCall call, http::TimePoint until);

/// What is stored, brought up to date by a 304, of whose X-Accel-Expires the same is true.
[[nodiscard]] cache::Freshened freshened(const cache::Hit& hit, cache::Fields response, const cache::Rule& rule,
                                         const cache::Times& times, std::optional<std::chrono::seconds> expires);

/// Wall clock, in seconds.
[[nodiscard]] cache::Seconds wall_seconds() noexcept;

} // namespace mpsup::accelerator
