// Answers out of the cache.
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/cache_status.h"
#include "worker/cache/hit.h"
#include "worker/cache/reuse.h"
#include "worker/http/log_notes.h"
#include "worker/http/reply.h"

namespace mpsup::accelerator {

/// Fills `reply`, which is clear, with what the client gets of a stored response: all of it, 304, parts of it or 416. It is
/// sent from where it lies, which `hit` keeps there until the reply is cleared. False, and nothing has happened: its content
/// lies in several places and is too large to be put together here; send_stored() sends it.
[[nodiscard]] bool fill_stored(http::Reply& reply, http::LogNotes& notes, cache::Hit& hit,
                               const cache::CacheRequest& asked, const http::Request& request,
                               const cache::Reuse& reuse, const cache::CacheStatus& status);

} // namespace mpsup::accelerator
