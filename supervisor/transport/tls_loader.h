// Loading TLS at run time.
#pragma once

#include "base/error.h"
#include "supervisor/transport/tls.h"

#include <string>

namespace mpsup::tls {

/// tls.so beside the running program.
[[nodiscard]] std::string plugin_path();

/// Opens `path`, with what it needs of OpenSSL, and checks that it belongs to this mpsup. It is never closed. The
/// error says what to do.
[[nodiscard]] Result<const Plugin*> load_plugin(const std::string& path);

} // namespace mpsup::tls
