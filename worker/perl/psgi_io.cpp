#include "worker/perl/psgi_io.h"

#include "worker/perl/exchange.h"

#include <fcntl.h>
#include <perliol.h>
#include <unistd.h>
#include <utility>

namespace mpsup::perl {

namespace {

// A layer in front of a socket that is opened when something is wanted of it (perldoc perliol).
struct Lazy {
    _PerlIO base;
    UV serial; // of its request
    // Null: not yet. For reading only: what is written would have to share its buffer with what was read ahead, and a
    // socket cannot seek to tell them apart.
    PerlIO* reader;
};

Lazy& lazy(PerlIO* file) noexcept { return *PerlIOSelf(file, Lazy); }

// On a descriptor of its own, so that the application may close it, and blocking, as sockets of Perl are.
PerlIO* open_connection(pTHX_ Exchange& exchange) {
    const Reply::Connection connection = exchange.reply->take_connection();
    const int copy = connection.fd < 0 ? -1 : ::fcntl(connection.fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return nullptr;
    exchange.taken = true;
    ::fcntl(copy, F_SETFL, ::fcntl(copy, F_GETFL) & ~O_NONBLOCK);
    PerlIO* const reader = PerlIO_fdopen(copy, "r");
    if (!reader) ::close(copy);
    if (reader && !connection.unread.empty()) PerlIO_unread(reader, connection.unread.data(), connection.unread.size());
    return reader;
}

PerlIO* reader_of(pTHX_ PerlIO* file) {
    Lazy& self = lazy(file);
    if (self.reader) return self.reader;
    Exchange* exchange = current_exchange();
    if (exchange && exchange->serial == self.serial && !exchange->taken)
        self.reader = open_connection(aTHX_ * exchange);
    if (!self.reader) errno = EBADF;
    return self.reader;
}

IV lazy_fileno(pTHX_ PerlIO* file) {
    PerlIO* const reader = reader_of(aTHX_ file);
    return reader ? PerlIO_fileno(reader) : -1;
}

SSize_t lazy_read(pTHX_ PerlIO* file, void* bytes, Size_t count) {
    PerlIO* const reader = reader_of(aTHX_ file);
    if (!reader) return -1;
    const SSize_t got = PerlIO_read(reader, bytes, count);
    if (got == 0) PerlIOBase(file)->flags |= PERLIO_F_EOF;
    if (got < 0) PerlIOBase(file)->flags |= PERLIO_F_ERROR;
    return got;
}

SSize_t lazy_unread(pTHX_ PerlIO* file, const void* bytes, Size_t count) {
    PerlIO* const reader = reader_of(aTHX_ file);
    return reader ? PerlIO_unread(reader, bytes, count) : -1;
}

// At once: who prints to a client means it to arrive.
SSize_t lazy_write(pTHX_ PerlIO* file, const void* bytes, Size_t count) {
    PerlIO* const reader = reader_of(aTHX_ file);
    if (!reader) return -1;
    const int fd = PerlIO_fileno(reader);
    const char* next = static_cast<const char*>(bytes);
    for (Size_t left = count; left > 0;) {
        const ssize_t written = ::write(fd, next, left);
        if (written < 0 && errno != EINTR) return -1;
        if (written < 0) {
            PERL_ASYNC_CHECK();
            continue;
        }
        next += written;
        left -= static_cast<Size_t>(written);
    }
    return static_cast<SSize_t>(count);
}

IV lazy_close(pTHX_ PerlIO* file) {
    PerlIO* const reader = std::exchange(lazy(file).reader, nullptr);
    lazy(file).serial = 0;
    PerlIOBase(file)->flags &= ~static_cast<U32>(PERLIO_F_OPEN | PERLIO_F_CANREAD | PERLIO_F_CANWRITE);
    return reader ? PerlIO_close(reader) : 0;
}

IV lazy_flush(pTHX_ PerlIO*) {
    PERL_UNUSED_CONTEXT;
    return 0; // nothing is held back
}

IV lazy_fill(pTHX_ PerlIO*) {
    PERL_UNUSED_CONTEXT;
    return -1; // there is no buffer here
}

IV lazy_eof(pTHX_ PerlIO* file) {
    PerlIO* const reader = reader_of(aTHX_ file);
    return reader ? PerlIO_eof(reader) : 1;
}

PerlIO_funcs* lazy_layer() noexcept {
    static PerlIO_funcs layer = [] {
        PerlIO_funcs made{};
        made.fsize = sizeof(PerlIO_funcs);
        made.name = "mpsup_connection";
        made.size = sizeof(Lazy);
        made.kind = PERLIO_K_RAW;
        made.Pushed = PerlIOBase_pushed;
        made.Popped = PerlIOBase_popped;
        made.Binmode = PerlIOBase_binmode;
        made.Fileno = lazy_fileno;
        made.Read = lazy_read;
        made.Unread = lazy_unread;
        made.Write = lazy_write;
        made.Close = lazy_close;
        made.Flush = lazy_flush;
        made.Fill = lazy_fill;
        made.Eof = lazy_eof;
        made.Error = PerlIOBase_error;
        made.Clearerr = PerlIOBase_clearerr;
        made.Setlinebuf = PerlIOBase_setlinebuf;
        return made;
    }();
    return &layer;
}

constexpr std::string_view class_name = "IO::Socket";

HV* handle_class(pTHX) { return gv_stashpvn(class_name.data(), static_cast<U32>(class_name.size()), GV_ADD); }

} // namespace

SV* ConnectionHandles::take(pTHX_ UV serial) {
    if (glob_ && can_be_used_again()) {
        lazy(file_).serial = serial;
        return newRV_inc(reinterpret_cast<SV*>(glob_));
    }
    SvREFCNT_dec(std::exchange(glob_, nullptr));
    file_ = PerlIO_allocate(aTHX);
    if (!file_ || !PerlIO_push(aTHX_ file_, lazy_layer(), "r+", nullptr)) return newSV(0);
    lazy(file_).serial = serial;
    PerlIOBase(file_)->flags |= PERLIO_F_OPEN | PERLIO_F_CANREAD | PERLIO_F_CANWRITE;
    glob_ = reinterpret_cast<GV*>(newSV(0));
    gv_init_pvn(glob_, gv_stashpvs("Mpsup::PSGI", GV_ADD), "connection", 10, 0);
    IO* io = GvIOn(glob_);
    IoIFP(io) = IoOFP(io) = file_;
    IoTYPE(io) = IoTYPE_SOCKET;
    return sv_bless(newRV_inc(reinterpret_cast<SV*>(glob_)), handle_class(aTHX));
}

void ConnectionHandles::finish(pTHX) {
    if (glob_ && !can_be_used_again()) SvREFCNT_dec_NN(std::exchange(glob_, nullptr));
}

// Nobody else has it, nobody has used or closed it, and nothing was put beside it.
bool ConnectionHandles::can_be_used_again() const noexcept {
    if (SvREFCNT(glob_) != 1) return false;
    const IO* io = GvIOp(glob_);
    return io && SvREFCNT(io) == 1 && !SvMAGICAL(io) && IoIFP(io) == file_ && !GvSV(glob_) && !GvHV(glob_) &&
           !GvAV(glob_) && SvOBJECT(glob_) && PerlIOBase(file_)->tab == lazy_layer() && !lazy(file_).reader &&
           (PerlIOBase(file_)->flags & (PERLIO_F_OPEN | PERLIO_F_UTF8)) == PERLIO_F_OPEN;
}

} // namespace mpsup::perl
