// From what a front is to the options of the server that serves it.
#pragma once

#include "base/error.h"
#include "worker/contract/front.h"
#include "worker/http/server_options.h"
#include "worker/http/tls_keeper.h"

#include <memory>

namespace mpsup::light {

/// Limits, deadlines and log of a server.
[[nodiscard]] http::ServerOptions server_options(const contract::Front& front);

/// Its certificates; null when no listener speaks TLS. The error names the file.
[[nodiscard]] Result<std::shared_ptr<http::TlsKeeper>> open_certificates(const contract::Front& front);

/// Of the public listener at `index` of `go`.
[[nodiscard]] http::ListenerOptions listener_options(const contract::Front& front, std::size_t index,
                                                     const std::shared_ptr<http::TlsKeeper>& certificates);

} // namespace mpsup::light
