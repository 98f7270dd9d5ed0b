#include "worker/http/stream.h"

#include <sys/socket.h>

namespace mpsup::http {

void Stream::end() noexcept {
    if (tls_) tls_->end();
    ::shutdown(fd(), SHUT_WR);
}

void Stream::make_reset() noexcept {
    const linger reset{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

} // namespace mpsup::http
