// psgi.input: a real Perl file handle on the content of a request. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"
#include "worker/perl/reply.h"

namespace mpsup::perl {

/// Makes the handles. One for no content at all, which most requests have, is used again when the application has let go
/// of it as it was.
class InputHandles {
public:
    /// A reference to a handle at its beginning, blessed into IO::File, readable and seekable; in memory when the content
    /// is. The caller owns the reference. May die.
    [[nodiscard]] SV* take(pTHX_ const RequestInput& input);

private:
    [[nodiscard]] bool can_be_used_again(pTHX) const noexcept;

    GV* empty_ = nullptr; // owned, as long as the interpreter lives
    // What it looked like when it was made.
    PerlIO* file_ = nullptr;
    const void* layer_ = nullptr;
    U32 flags_ = 0;
};

} // namespace mpsup::perl
