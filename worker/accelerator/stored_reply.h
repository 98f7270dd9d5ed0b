// Answers out of the cache.
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/cache_status.h"
#include "worker/cache/hit.h"
#include "worker/cache/reuse.h"
#include "worker/http/byte_ranges.h"
#include "worker/http/log_notes.h"
#include "worker/http/reply.h"

#include <string>
#include <string_view>
#include <vector>

namespace mpsup::accelerator {

/// RFC 9110 section 15.4.5: has a 304 this field of the 200 that it stands for?
[[nodiscard]] bool belongs_to_304(std::string_view name) noexcept;

/// Fills `reply`, which is clear, with what the client gets of a stored response: all of it, 304, parts of it or 416. It is
/// sent from where it lies, which `hit` keeps there until the reply is cleared. False, and nothing has happened: its content
/// lies in several places and is too large to be put together here; LargeReply says how it is sent.
[[nodiscard]] bool fill_stored(http::Reply& reply, http::LogNotes& notes, cache::Hit& hit,
                               const cache::CacheRequest& asked, const http::Request& request,
                               const cache::Reuse& reuse, const cache::CacheStatus& status);

/// The same of what is sent piece by piece: which parts of the stored content, with what before each and after all of them.
struct LargeReply {
    struct Part {
        std::string head;
        http::ByteRange range;
    };
    int status = 200;
    std::string range;        // Content-Range; empty: none
    std::string_view type;    // Content-Type in place of the stored one; empty: that one
    std::vector<Part> parts;  // in this order
    std::string_view end;     // behind them
    std::uint64_t length = 0; // of it all
};
[[nodiscard]] LargeReply large_reply(const cache::Hit& hit, const cache::CacheRequest& asked,
                                     const http::Request& request);

} // namespace mpsup::accelerator
