#include "worker/perl/process_state.h"

#include <clocale>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <langinfo.h>
#include <perliol.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace mpsup::perl {

namespace {

// Set by the operations below, looked at after each request.
struct Changed {
    bool folder = false, umask = false, alarm = false, selected = false, descriptors = false;
};
Changed changed;

Perl_ppaddr_t perl_chdir, perl_umask, perl_alarm, perl_select, perl_open, perl_sysopen, perl_close;

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

OP* note_open(pTHX) {
    changed.descriptors = true;
    return perl_open(aTHX);
}
OP* note_sysopen(pTHX) {
    changed.descriptors = true;
    return perl_sysopen(aTHX);
}
OP* note_close(pTHX) {
    changed.descriptors = true;
    return perl_close(aTHX);
}

// Subroutines of modules in C that do the same: the code behind each is replaced, once its module is there.
struct Watched {
    std::string_view module;
    const char* name;
    bool Changed::* flag;
    XSUBADDR_t original = nullptr;
};
std::array<Watched, 5> watched{{{"POSIX.pm", "POSIX::close", &Changed::descriptors},
                                {"POSIX.pm", "POSIX::dup2", &Changed::descriptors},
                                {"Time/HiRes.pm", "Time::HiRes::alarm", &Changed::alarm},
                                {"Time/HiRes.pm", "Time::HiRes::ualarm", &Changed::alarm},
                                {"Time/HiRes.pm", "Time::HiRes::setitimer", &Changed::alarm}}};

template <std::size_t I> void xs_noted(pTHX_ CV* cv) {
    changed.*watched[I].flag = true;
    watched[I].original(aTHX_ cv);
}
constexpr std::array<XSUBADDR_t, watched.size()> noted{xs_noted<0>, xs_noted<1>, xs_noted<2>, xs_noted<3>, xs_noted<4>};

void watch_subroutines(pTHX) {
    for (std::size_t i = 0; i < watched.size(); ++i) {
        Watched& sub = watched[i];
        if (sub.original || !hv_exists(GvHVn(PL_incgv), sub.module.data(), static_cast<I32>(sub.module.size())))
            continue;
        CV* const code = get_cv(sub.name, 0);
        if (!code || !CvISXSUB(code) || !CvXSUB(code)) continue;
        sub.original = std::exchange(CvXSUB(code), noted[i]);
        changed.*sub.flag = true; // by the request that has loaded the module, perhaps
    }
}

void stop_timers() noexcept {
    ::alarm(0);
    constexpr itimerval never{};
    ::setitimer(ITIMER_VIRTUAL, &never, nullptr);
    ::setitimer(ITIMER_PROF, &never, nullptr);
}

// Is this what a signal's handler is now?
bool is_handler(pTHX_ int signal, const CV* code) noexcept {
    SV* const now = PL_psig_ptr[signal];
    return now && SvROK(now) && SvRV(now) == reinterpret_cast<const SV*>(code);
}

SV* signal_slot(pTHX_ std::string_view name) {
    SV** slot = hv_fetch(get_hv("SIG", GV_ADD), name.data(), static_cast<I32>(name.size()), 1);
    return slot ? *slot : nullptr;
}

void set_handler(pTHX_ std::string_view name, CV* code) {
    SV* const slot = signal_slot(aTHX_ name);
    if (!slot) return;
    sv_setsv_mg(slot, sv_2mortal(newRV_inc(reinterpret_cast<SV*>(code))));
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
    replace(OP_OPEN, note_open, perl_open);
    replace(OP_SYSOPEN, note_sysopen, perl_sysopen);
    replace(OP_CLOSE, note_close, perl_close);
}

void ProcessState::remember(pTHX) {
    folder_ = Fd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    umask_ = ::umask(0);
    ::umask(umask_);
    for (int fd = 0; fd < 3; ++fd) {
        const auto i = static_cast<std::size_t>(fd);
        struct stat file{};
        if (::fstat(fd, &file) == 0) identities_[i] = {file.st_dev, file.st_ino};
        descriptors_[i] = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    }
    for (std::size_t i = 0; i < categories.size(); ++i) locales_[i] = locale_name(categories[i]);
    if (const char* whole = Perl_setlocale(LC_ALL, nullptr)) whole_locale_ = whole;
    const auto find = [&](const char* name) {
        return reinterpret_cast<GV*>(SvREFCNT_inc(gv_fetchpv(name, GV_ADD | GV_NOTQUAL, SVt_PV)));
    };
    stdout_ = reinterpret_cast<GV*>(SvREFCNT_inc(gv_fetchpvs("STDOUT", GV_ADD | GV_NOTQUAL, SVt_PVIO)));
    const auto fd_of = [&](GV* glob) {
        IO* const io = glob ? GvIO(glob) : nullptr;
        return io && IoOFP(io) ? PerlIO_fileno(IoOFP(io)) : -1;
    };
    stdout_fd_ = fd_of(stdout_);
    stderr_fd_ = fd_of(PL_stderrgv);
    input_separator_ = find("/");
    output_separator_ = find("\\");
    on_term_ = get_cv("Mpsup::Signal::term", 0);
    on_pipe_ = get_cv("Mpsup::Signal::pipe", 0);
    watch_subroutines(aTHX);
    changed = {};
}

void ProcessState::restore(pTHX) {
    watch_subroutines(aTHX);
    if (changed.folder && folder_ && ::fchdir(folder_.get()) != 0) std::perror("mpsup: cannot go back to the folder");
    if (changed.umask) ::umask(umask_);
    if (changed.alarm) stop_timers();
    if (changed.selected) setdefout(stdout_);
    restore_variables(aTHX);
    restore_signals(aTHX);
    if (changed.descriptors) restore_descriptors(aTHX);
    restore_handles(aTHX);
    restore_locale(aTHX);
    changed = {};
}

void ProcessState::restore_variables(pTHX) {
    if (!SvPOK(PL_rs) || SvCUR(PL_rs) != 1 || *SvPVX(PL_rs) != '\n') sv_setpvs_mg(GvSVn(input_separator_), "\n");
    if (SV* const separator = GvSV(output_separator_); separator && SvOK(separator))
        sv_setsv_mg(separator, &PL_sv_undef);
    if (PL_ofsgv && GvSV(PL_ofsgv) && SvOK(GvSV(PL_ofsgv))) sv_setsv_mg(GvSV(PL_ofsgv), &PL_sv_undef);
    if (IO* io = GvIO(PL_defoutgv); io && IoFLAGS(io) & IOf_FLUSH) IoFLAGS(io) &= ~IOf_FLUSH;
}

void ProcessState::restore_signals(pTHX) {
    if (on_term_ && !is_handler(aTHX_ SIGTERM, on_term_)) set_handler(aTHX_ "TERM", on_term_);
    if (on_pipe_ && !is_handler(aTHX_ SIGPIPE, on_pipe_)) set_handler(aTHX_ "PIPE", on_pipe_);
    // Without the default, $? of whatever the next request runs would be -1.
    if (SV* const now = PL_psig_ptr[SIGCHLD]; now && SvOK(now) && (SvROK(now) || !strEQ(SvPV_nolen(now), "DEFAULT")))
        if (SV* const slot = signal_slot(aTHX_ "CHLD")) sv_setpvs_mg(slot, "DEFAULT");
}

void ProcessState::restore_descriptors(pTHX) {
    for (int fd = 0; fd < 3; ++fd) {
        const auto i = static_cast<std::size_t>(fd);
        struct stat file{};
        const bool is_there = ::fstat(fd, &file) == 0;
        if (is_there && file.st_dev == identities_[i].device && file.st_ino == identities_[i].inode) continue;
        if (descriptors_[i]) ::dup2(descriptors_[i].get(), fd);
    }
    PERL_UNUSED_CONTEXT;
}

void ProcessState::restore_handles(pTHX) {
    const auto reopen = [&](GV* glob, int fd) {
        IO* io = glob ? GvIOn(glob) : nullptr;
        if (!io || fd < 0 || (IoOFP(io) && PerlIO_fileno(IoOFP(io)) == fd)) return;
        if (IoOFP(io)) (void)Perl_do_close(aTHX_ glob, FALSE); // a string, or a file: it was meant for the request
        PerlIO* file = PerlIO_fdopen(fd, "w");
        if (file && fd == 2) PerlIOBase(file)->flags |= PERLIO_F_UNBUF; // as Perl's own
        IoIFP(io) = IoOFP(io) = file;
        IoTYPE(io) = IoTYPE_WRONLY;
    };
    reopen(PL_stderrgv, stderr_fd_);
    reopen(stdout_, stdout_fd_);
}

void ProcessState::restore_locale(pTHX) {
    for (std::size_t i = 0; i < categories.size(); ++i)
        if (locales_[i] != locale_name(categories[i])) {
            (void)Perl_setlocale(LC_ALL, whole_locale_.c_str());
            break;
        }
    PERL_UNUSED_CONTEXT;
}

} // namespace mpsup::perl
