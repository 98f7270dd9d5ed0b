// psgix.io: the client's connection, for applications that want it. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"

namespace mpsup::perl {

/// Makes the handles: sockets to the application (a glob, blessed into IO::Socket), which take the connection when they
/// are first read, written or asked for their descriptor. Taking it costs it its future, so that must not happen to
/// whoever only copies the environment. One that nobody used is handed out again for the next request. After its request
/// an unused one has nothing behind it (EBADF).
class ConnectionHandles {
public:
    /// A reference to a handle for the request of this number. The caller owns the reference.
    [[nodiscard]] SV* take(pTHX_ UV serial);

    /// The request is over: a handle that was used is let go of, and the connection with it unless the application kept it.
    void finish(pTHX);

private:
    [[nodiscard]] bool can_be_used_again() const noexcept;

    GV* glob_ = nullptr; // owned, as long as the interpreter lives
    PerlIO* file_ = nullptr;
};

} // namespace mpsup::perl
