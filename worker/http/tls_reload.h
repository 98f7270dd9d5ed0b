// Certificates that change on the disk are served without anybody saying so.
#pragma once

#include "base/error.h"
#include "worker/http/event_server.h"
#include "worker/http/tls_files.h"

#include <memory>

namespace mpsup::http {

/// From now on `server` looks at `files` a second after something happened to them, so that both
/// halves of a pair are there, and says in the log what became of it. Before server.run(), in its thread.
[[nodiscard]] Result<> reload_when_changed(EventServer& server, std::shared_ptr<TlsFiles> files);

} // namespace mpsup::http
