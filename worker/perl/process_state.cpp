#include "worker/perl/process_state.h"

#include <clocale>
#include <cstdio>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::perl {

namespace {

// Set by the operations below, looked at after each request.
struct Changed {
    bool folder = false, umask = false, alarm = false, selected = false;
};
Changed changed;

Perl_ppaddr_t perl_chdir, perl_umask, perl_alarm, perl_select;

OP* note_chdir(pTHX) {
    changed.folder = true;
    return perl_chdir(aTHX);
}
OP* note_umask(pTHX) {
    changed.umask = true;
    return perl_umask(aTHX);
}
OP* note_alarm(pTHX) {
    changed.alarm = true;
    return perl_alarm(aTHX);
}
OP* note_select(pTHX) {
    changed.selected = true;
    return perl_select(aTHX);
}

// The name of a category's locale in this thread: perl switches it by uselocale(3), which setlocale(3) does not see.
constexpr std::array categories{LC_CTYPE, LC_NUMERIC, LC_TIME, LC_COLLATE, LC_MONETARY, LC_MESSAGES};
const char* locale_name(int category) noexcept { return ::nl_langinfo(_NL_LOCALE_NAME(category)); }

} // namespace

void ProcessState::watch_operations() noexcept {
    const auto replace = [](OPCODE code, Perl_ppaddr_t ours, Perl_ppaddr_t& perls) {
        perls = PL_ppaddr[code];
        PL_ppaddr[code] = ours;
    };
    replace(OP_CHDIR, note_chdir, perl_chdir);
    replace(OP_UMASK, note_umask, perl_umask);
    replace(OP_ALARM, note_alarm, perl_alarm);
    replace(OP_SELECT, note_select, perl_select);
}

void ProcessState::remember(pTHX) {
    folder_ = Fd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    umask_ = ::umask(0);
    ::umask(umask_);
    for (int fd = 0; fd < 3; ++fd) descriptors_[static_cast<std::size_t>(fd)] = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    for (std::size_t i = 0; i < categories.size(); ++i) locales_[i] = locale_name(categories[i]);
    changed = {};
    PERL_UNUSED_CONTEXT;
}

void ProcessState::restore(pTHX) {
    if (changed.folder && folder_ && ::fchdir(folder_.get()) != 0) std::perror("mpsup: cannot go back to the folder");
    if (changed.umask) ::umask(umask_);
    if (changed.alarm) ::alarm(0);
    if (changed.selected) {
        GV* standard = gv_fetchpvs("STDOUT", GV_ADD | GV_NOTQUAL, SVt_PVIO);
        setdefout(standard);
    }
    changed = {};
    if (!SvPOK(PL_rs) || SvCUR(PL_rs) != 1 || *SvPVX(PL_rs) != '\n') sv_setpvs(get_sv("/", GV_ADD), "\n");
    SV* output_separator = get_sv("\\", GV_ADD);
    if (SvOK(output_separator)) sv_setsv_mg(output_separator, &PL_sv_undef);
    if (PL_ofsgv && GvSV(PL_ofsgv) && SvOK(GvSV(PL_ofsgv))) sv_setsv_mg(GvSV(PL_ofsgv), &PL_sv_undef);
    if (IO* io = GvIO(PL_defoutgv); io && IoFLAGS(io) & IOf_FLUSH) IoFLAGS(io) &= ~IOf_FLUSH;
    restore_descriptors(aTHX);
    restore_locale(aTHX);
}

void ProcessState::restore_descriptors(pTHX) {
    std::array<pollfd, 3> entries{{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}};
    ::poll(entries.data(), entries.size(), 0); // POLLNVAL for what is closed: one call for all three
    for (const pollfd& entry : entries)
        if ((entry.revents & POLLNVAL) != 0) ::dup2(descriptors_[static_cast<std::size_t>(entry.fd)].get(), entry.fd);
    const auto reopen = [&](GV* glob, int fd) {
        IO* io = glob ? GvIOn(glob) : nullptr;
        if (!io || IoOFP(io)) return;
        PerlIO* file = PerlIO_fdopen(fd, "w");
        IoIFP(io) = IoOFP(io) = file;
        IoTYPE(io) = IoTYPE_WRONLY;
    };
    reopen(PL_stderrgv, 2);
    reopen(gv_fetchpvs("STDOUT", GV_NOTQUAL, SVt_PVIO), 1);
}

void ProcessState::restore_locale(pTHX) {
    for (std::size_t i = 0; i < categories.size(); ++i)
        if (locales_[i] != locale_name(categories[i])) (void)Perl_setlocale(categories[i], locales_[i].c_str());
    PERL_UNUSED_CONTEXT;
}

} // namespace mpsup::perl
