#include "worker/perl/psgi_input.h"

#include <fcntl.h>
#include <perliol.h>
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

// A glob with the handle; whoever calls owns it.
GV* make_glob(pTHX_ PerlIO* file) {
    GV* glob = reinterpret_cast<GV*>(newSV(0));
    gv_init_pvn(glob, gv_stashpvs("Mpsup::PSGI", GV_ADD), "input", 5, 0);
    IO* io = GvIOn(glob);
    IoIFP(io) = file;
    IoTYPE(io) = IoTYPE_RDONLY;
    return glob;
}

SV* as_object(pTHX_ GV* glob) {
    return sv_bless(newRV_noinc(reinterpret_cast<SV*>(glob)), gv_stashpvs("IO::File", GV_ADD));
}

constexpr U32 flags_of_reading = PERLIO_F_EOF | PERLIO_F_ERROR;

} // namespace

SV* InputHandles::take(pTHX_ const RequestInput& input) {
    const bool is_empty = input.body_file < 0 && input.body.empty();
    if (is_empty && can_be_used_again(aTHX)) {
        PerlIO_clearerr(file_);
        PerlIO_seek(file_, 0, SEEK_SET);
        IoLINES(GvIOp(empty_)) = 0;
        return newRV_inc(reinterpret_cast<SV*>(empty_));
    }
    PerlIO* file = input.body_file < 0 ? open_memory(aTHX_ input.body) : open_file(aTHX_ input.body_file);
    if (!file) Perl_croak(aTHX_ "cannot make psgi.input: %s", Strerror(errno));
    SV* const object = as_object(aTHX_ make_glob(aTHX_ file));
    if (is_empty) {
        SvREFCNT_dec(empty_);
        empty_ = reinterpret_cast<GV*>(SvREFCNT_inc_NN(SvRV(object)));
        file_ = file;
        layer_ = PerlIOBase(file)->tab;
        flags_ = PerlIOBase(file)->flags;
    }
    return object;
}

// Nobody else has it, and it is open, of the same class, without other layers, ties, or anything put beside it.
bool InputHandles::can_be_used_again(pTHX) const noexcept {
    if (!empty_ || SvREFCNT(empty_) != 1) return false;
    const IO* io = GvIOp(empty_);
    return io && SvREFCNT(io) == 1 && IoIFP(io) == file_ && !SvMAGICAL(io) && !GvSV(empty_) && !GvHV(empty_) &&
           !GvAV(empty_) && SvOBJECT(empty_) && SvSTASH(empty_) == gv_stashpvs("IO::File", 0) &&
           PerlIOBase(file_)->tab == layer_ &&
           (PerlIOBase(file_)->flags & ~flags_of_reading) == (flags_ & ~flags_of_reading);
}

} // namespace mpsup::perl
