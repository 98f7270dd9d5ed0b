// Certificates that change on the disk are served without anybody saying so.
#pragma once

#include "base/error.h"
#include "worker/http/event_server.h"
#include "worker/http/tls_keeper.h"

#include <memory>

namespace mpsup::http {

/// From now on `server` looks at the pairs of `keeper` a second after something happened to their files, so that both
/// halves of a pair are there, and says in the log what became of it. Before server.run(), in its thread.
[[nodiscard]] Result<> reload_when_changed(EventServer& server, std::shared_ptr<TlsKeeper> keeper);

} // namespace mpsup::http
