#include "worker/perl/psgi_io.h"

#include <fcntl.h>
#include <unistd.h>

namespace mpsup::perl {

namespace {

// A handle on a descriptor of its own, so that the application may close it; undef when there is none to be had.
SV* make_handle(pTHX_ Exchange& exchange) {
    const Reply::Connection connection = exchange.reply->take_connection();
    const int copy = connection.fd < 0 ? -1 : ::fcntl(connection.fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return &PL_sv_undef;
    exchange.taken = true;
    dSP;
    PUSHSTACKi(PERLSI_MAGIC);
    ENTER;
    PUSHMARK(SP);
    XPUSHs(sv_2mortal(newSViv(copy)));
    PUTBACK;
    call_pv("Mpsup::PSGI::make_io", G_SCALAR | G_EVAL);
    SPAGAIN;
    SV* handle = newSVsv(POPs);
    PUTBACK;
    LEAVE;
    POPSTACK;
    if (!SvROK(handle)) ::close(copy);
    IO* io = SvROK(handle) ? sv_2io(handle) : nullptr;
    if (io && IoIFP(io) && !connection.unread.empty())
        PerlIO_unread(IoIFP(io), connection.unread.data(), connection.unread.size());
    return sv_2mortal(handle);
}

int read_io(pTHX_ SV* value, MAGIC* magic) {
    Exchange* exchange = current_exchange();
    const auto serial = reinterpret_cast<UV>(magic->mg_ptr);
    if (!exchange || exchange->serial != serial || exchange->taken) return 0;
    sv_setsv(value, make_handle(aTHX_ * exchange));
    return 0;
}

const MGVTBL lazy_io{read_io, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

} // namespace

SV* make_lazy_io(pTHX_ UV serial) {
    SV* value = newSV(0);
    // With a length of 0 the pointer is kept as it is.
    sv_magicext(value, nullptr, PERL_MAGIC_ext, &lazy_io, reinterpret_cast<const char*>(serial), 0);
    return value;
}

} // namespace mpsup::perl
