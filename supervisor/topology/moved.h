// The worker that answers at addresses which a conversion has given up: for a while it says where what was there is
// found.
#pragma once

#include "supervisor/topology/topology.h"
#include "worker/contract/links.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mpsup::topology {

/// Its name; no worker of a file may be called so. It is a static worker without files, the last of its topology.
constexpr std::string_view moved_worker = "moved";

/// `wanted` and, while `wanted.moved` lasts, that worker: it listens on the addresses of `before` that nobody of
/// `wanted` listens
/// on, the plain ones (no TLS, no PROXY) that no accelerator led to, also on those that it had and whose time is not over. Without it where
/// there are none, or nobody whom
/// clients could be sent to. `now_ms`: wall clock; the time begins anew with each address that is added.
[[nodiscard]] Topology with_moved(const Topology& before, Topology wanted, std::int64_t now_ms);

/// As its file has it.
[[nodiscard]] Topology without_moved(Topology topology);

/// When it is to go, on the wall clock, which a successor of this supervisor has too; nothing: there is none.
[[nodiscard]] std::optional<std::int64_t> moved_until(const Topology& topology);

/// What it is told: whatever is asked is redirected to whose it is, behind an accelerator to that. Empty: nobody has
/// a URL.
[[nodiscard]] contract::Links links_of_moved(const Topology& topology);

} // namespace mpsup::topology
