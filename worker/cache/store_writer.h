// A response on its way into the store.
#pragma once

#include "worker/cache/freshness.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::cache {

class StoreCore;

/// What must be known when the head has arrived. The views are read during the call only.
struct NewResponse {
    std::string_view key;
    std::string_view variant; // variant_text
    std::string_view fields;  // stored_fields
    std::string_view tags;    // tags_of
    Metadata metadata;
    std::optional<std::uint64_t> length; // of the content, when known: what is too large is refused at once
    std::uint64_t mark = 0;              // Store::mark() from before the request was sent to the origin; 0: now
};

/// Used by one coroutine at a time, in any thread. Must not outlive the store.
class StoreWriter {
public:
    StoreWriter() noexcept; // an empty one
    StoreWriter(StoreWriter&&) noexcept;
    StoreWriter& operator=(StoreWriter&&) noexcept;
    ~StoreWriter(); // gives up what was not committed

    /// Is it worth going on?
    [[nodiscard]] explicit operator bool() const noexcept { return pending_ != nullptr; }

    /// The next piece of content. False: it is given up (too large, no room, the process has retired); the reply to the client
    /// goes on without it.
    bool append(std::string_view piece);

    /// The content is whole: from now on it can be found. False: it is given up; also when its length is not what was said.
    bool commit();

    void abort() noexcept;

private:
    friend class StoreCore;
    struct Pending;
    StoreWriter(StoreCore& store, const NewResponse& response, std::uint64_t mark);
    std::unique_ptr<Pending> pending_;
};

} // namespace mpsup::cache
