#include "worker/perl/psgi_input.h"

#include <fcntl.h>
#include <unistd.h>

namespace mpsup::perl {

namespace {

// The scalar layer reads from an SV of its own, so nothing of ours must outlive the request.
PerlIO* open_memory(pTHX_ std::string_view body) {
    SV* content = sv_2mortal(newSVpvn(body.data(), body.size()));
    SV* argument = sv_2mortal(newRV_inc(content));
    return PerlIO_openn(aTHX_ ":scalar", "r", -1, 0, 0, nullptr, 1, &argument);
}

PerlIO* open_file(pTHX_ int file) {
    const int copy = ::fcntl(file, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return nullptr;
    if (::lseek(copy, 0, SEEK_SET) < 0) {
        ::close(copy);
        return nullptr;
    }
    return PerlIO_fdopen(copy, "r");
}

} // namespace

SV* make_input(pTHX_ const RequestInput& input) {
    PerlIO* file = input.body_file < 0 ? open_memory(aTHX_ input.body) : open_file(aTHX_ input.body_file);
    if (!file) Perl_croak(aTHX_ "cannot make psgi.input: %s", Strerror(errno));
    GV* glob = reinterpret_cast<GV*>(newSV(0));
    gv_init_pvn(glob, gv_stashpvs("Mpsup::PSGI", GV_ADD), "input", 5, 0);
    IO* io = GvIOn(glob);
    IoIFP(io) = file;
    IoTYPE(io) = IoTYPE_RDONLY;
    return sv_bless(newRV_noinc(reinterpret_cast<SV*>(glob)), gv_stashpvs("IO::File", GV_ADD));
}

} // namespace mpsup::perl
