// Which route a request takes: one pure function, of the worker and of `mpsup explain`.
#pragma once

#include "worker/contract/front.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::contract {

/// The path that routes are compared with, so that no way of writing a path leads around a route: path parameters (";…" of
/// each segment) are taken off, every %XX is decoded once, an encoded '/' counts as one, empty and "." segments go, and ".."
/// takes the segment before it along. Nothing when the path does not begin with '/', leads above the root, or holds a bad
/// escape or a NUL: such a request is answered with 400, whatever the routes. Into `memory` where it is not `raw` itself;
/// the result is good as long as both. It is for comparing only: what is looked up or sent on is the path as it came.
[[nodiscard]] std::optional<std::string_view> normal_path(std::string_view raw, std::string& memory);

/// Of host[:port]: lower-case, without port and without the dot of a full name. As above.
[[nodiscard]] std::string_view normal_host(std::string_view authority, std::string& memory);

/// What came of it. Neither: there is no route (404).
struct Routing {
    const Route* route = nullptr;
    std::size_t index = 0; // of it in Front::routes
    bool bad_path = false; // 400
};

/// The first route, in the order of the topology, whose host and path match. `authority`: host[:port] of the request, empty
/// only for HTTP/1.0: routes with a host do not match that. `path`: raw, undecoded, without a query; "*" has no route.
[[nodiscard]] Routing route(const Front& front, std::string_view authority, std::string_view path);

/// Does `pattern` (Route::host) stand for `normal` (normal_host)?
[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view normal) noexcept;

/// Can `later` never be reached, because every request that it takes is one of `earlier`? Sure when true.
[[nodiscard]] bool shadows(const Route& earlier, const Route& later) noexcept;

} // namespace mpsup::contract
