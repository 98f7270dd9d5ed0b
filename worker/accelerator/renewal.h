// Brings a stored response up to date while clients still get the old one (RFC 5861 section 3).
#pragma once

#include "worker/accelerator/accelerator.h"
#include "worker/cache/flights.h"
#include "worker/http/client_info.h"
#include "worker/http/request.h"

namespace mpsup::accelerator {

/// Fetches what `request` asks for in a coroutine of its own, for nobody but the store. `leader`: of the flight for its key,
/// so it happens once at a time.
void start_renewal(Accelerator& accelerator, std::size_t route, const http::Request& request,
                   const http::Client& client, cache::Leader leader);

/// Fields that ask whether a stored response is still good; views into `hit`.
void add_conditions(const cache::Hit& hit, std::vector<http::Field>& fields);

} // namespace mpsup::accelerator
