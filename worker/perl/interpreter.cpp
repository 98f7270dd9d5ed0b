#include "worker/perl/interpreter.h"

#include "worker/perl/perl_api.h"
#include "worker/perl/process_state.h"
#include "worker/perl/psgi_response.h"
#include "worker/perl/thrown.h"

#include "worker/perl/glue.h"

#include <csignal>
#include <cstdio>
#include <pthread.h>
#include <unistd.h>
#include <utility>

EXTERN_C void boot_DynaLoader(pTHX_ CV* cv); // NOLINT(readability-identifier-naming): Perl's own name

namespace mpsup::perl {

namespace {

volatile std::sig_atomic_t told_to_end = 0;
volatile std::sig_atomic_t interrupted = 0;
void (*on_interrupt)(::interpreter*) = nullptr;
bool is_started = false;
// Is this a process of the pool, where exit() ends a request only? Not in what is forked, until it is told that it is a
// child. A look at this is cheaper than getpid(2), and it is asked for several times a request.
bool is_ours = false;

void after_fork() {
    is_ours = false;
    // Of what the application forks nobody expects that it was born with a signal blocked.
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
}

Perl_ppaddr_t perl_fork;

// Perl's fork puts back the signal mask that it found, in the new process too.
OP* unblock_in_fork(pTHX) {
    OP* const next = perl_fork(aTHX);
    if (!is_ours) after_fork();
    return next;
}

void watch_fork() {
    perl_fork = PL_ppaddr[OP_FORK];
    PL_ppaddr[OP_FORK] = unblock_in_fork;
}

void xs_term(pTHX_ CV* cv) {
    dXSARGS;
    PERL_UNUSED_VAR(items);
    PERL_UNUSED_VAR(cv);
    told_to_end = 1;
    XSRETURN_EMPTY;
}

// Nothing: a write says EPIPE. Not IGNORE, which programs that the application runs would inherit.
void xs_pipe(pTHX_ CV* cv) {
    dXSARGS;
    PERL_UNUSED_VAR(items);
    PERL_UNUSED_VAR(cv);
    XSRETURN_EMPTY;
}

// exit() in an application ends the request, not the server (as mod_perl does it): it throws. In a process that the
// application forked it is the real one.
void xs_exit(pTHX_ CV* cv) {
    dXSARGS;
    PERL_UNUSED_VAR(cv);
    const IV code = items > 0 ? SvIV(ST(0)) : 0;
    if (!is_ours) {
        PerlIO_flush(nullptr); // Perl's own exit unwinds to where it was started from, which is not there
        my_exit(static_cast<U32>(code));
    }
    SV* object = sv_bless(newRV_noinc(newSViv(code)), gv_stashpvs("Mpsup::Exit", GV_ADD));
    SAVESPTR(PL_diehook); // a $SIG{__DIE__} is not meant
    PL_diehook = nullptr;
    croak_sv(sv_2mortal(object));
}

// Takes the place of Perl's own dispatch of signals, between operations: an interrupt needs no %SIG, which the
// application may have changed.
void dispatch(pTHX) {
    Perl_despatch_signals(aTHX);
    if (!interrupted) return;
    interrupted = 0;
    if (on_interrupt) on_interrupt(aTHX);
}

void define_functions(pTHX) {
    // In an adopted interpreter others may have been faster.
    if (!get_cv("CORE::GLOBAL::exit", 0)) {
        newXS("CORE::GLOBAL::exit", xs_exit, __FILE__); // before any code is compiled: later it would not be looked up
        GvIMPORTED_CV_on(gv_fetchpvs("CORE::GLOBAL::exit", GV_ADD, SVt_PVCV)); // and only what is imported overrides
    }
    newXS("Mpsup::Signal::term", xs_term, __FILE__);
    newXS("Mpsup::Signal::pipe", xs_pipe, __FILE__);
    define_response_functions(aTHX);
}

void xs_init(pTHX) {
    newXS("DynaLoader::boot_DynaLoader", boot_DynaLoader, __FILE__);
    define_functions(aTHX);
}

constexpr char prologue[] = R"perl(
    $SIG{PIPE} = \&Mpsup::Signal::pipe;
    $SIG{TERM} = \&Mpsup::Signal::term;
    require IO::File;
    require IO::Socket; # psgix.io is one
    require PerlIO::scalar; # a module of its own: loaded before anybody chdirs, closes or forks
    require Scalar::Util;
)perl";

Result<> evaluate(pTHX_ const char* code) {
    eval_pv(code, 0);
    SV* error = ERRSV;
    if (SvTRUE(error)) return failure(SvPV_nolen(error));
    return {};
}

// So that `use` does not look for a file.
void mark_as_loaded(pTHX_ const char* name) {
    (void)hv_store(GvHVn(PL_incgv), name, static_cast<I32>(std::strlen(name)), newSVpv(name, 0), 0);
}

// perl_parse writes into its arguments.
char program[] = "mpsup-heavy";
char switch_e[] = "-e";
char nothing[] = "0";
char* perl_arguments[] = {program, switch_e, nothing, nullptr};

} // namespace

Result<> Interpreter::start(int& argc, char**& argv, char**& environment) {
    if (is_started) return failure("there is one interpreter already");
    is_started = is_ours = true;
    PERL_SYS_INIT3(&argc, &argv, &environment);
    ::interpreter* my_perl = perl_alloc();
    if (!my_perl) return failure("cannot allocate a Perl interpreter");
    PERL_SET_CONTEXT(my_perl);
    perl_construct(my_perl);
    PL_exit_flags |= PERL_EXIT_DESTRUCT_END;
    PL_origalen = 1;                  // $0 = … must not write over our own argv
    ProcessState::watch_operations(); // before anything is compiled
    watch_fork();
    if (perl_parse(my_perl, xs_init, 3, perl_arguments, nullptr) != 0 || perl_run(my_perl) != 0)
        return failure("cannot start Perl; is the installation whole?");
    perl_ = my_perl;
    sv_setpv(get_sv("\030", GV_ADD), MPSUP_PERL); // $^X: there is no perl in our own binary
    sv_setpvs_mg(get_sv("0", GV_ADD), "mpsup-heavy");
    return prepare();
}

Result<> Interpreter::load_registry() {
    dTHXa(perl_);
    for (const EmbeddedModule& module : registry_modules) {
        mark_as_loaded(aTHX_ module.name);
        if (auto done = evaluate(aTHX_ module.source); !done) return done;
    }
    return {};
}

Result<> Interpreter::adopt(::interpreter* running) {
    told_to_end = 0;
    if (perl_ == running) return {};
    perl_ = running;
    dTHXa(perl_);
    if (!std::exchange(is_started, true)) {
        ProcessState::watch_operations();
        watch_fork();
    }
    define_functions(aTHX);
    return prepare();
}

Result<> Interpreter::prepare() {
    dTHXa(perl_);
    PL_signalhook = dispatch;
    if (const int error = ::pthread_atfork(nullptr, nullptr, after_fork); error != 0)
        return system_failure("pthread_atfork", error);
    if (auto done = evaluate(aTHX_ prologue); !done) return done;
    sv_setpvs(get_sv("Mpsup::PSGI::VERSION", GV_ADD), MPSUP_VERSION);
    if (auto done = evaluate(aTHX_ glue_source); !done) return done;
    mark_as_loaded(aTHX_ "Mpsup/Links.pm");
    return evaluate(aTHX_ links_source);
}

void Interpreter::become_master() noexcept {
    dTHXa(perl_);
    SV** const slot = hv_fetchs(get_hv("SIG", GV_ADD), "CHLD", 1);
    if (slot) sv_setpvs_mg(*slot, "DEFAULT"); // a handler of the application's would reap the pool
}

void Interpreter::flush() noexcept {
    dTHXa(perl_);
    PerlIO_flush(nullptr); // all of them
    std::fflush(nullptr);
}

void Interpreter::became_child() noexcept {
    dTHXa(perl_);
    is_ours = true;
    PL_srand_called = FALSE; // or all children would draw the same numbers
    told_to_end = 0;
    interrupted = 0;
    rsignal(SIGCHLD, SIG_DFL); // or $? of what the application runs would be -1
    call("Mpsup::PSGI::became_child");
}

bool Interpreter::is_our_process() const noexcept { return is_ours; }

void Interpreter::dispatch_signals() noexcept {
    dTHXa(perl_);
    PERL_ASYNC_CHECK();
}

bool Interpreter::was_told_to_end() const noexcept { return told_to_end != 0; }

void Interpreter::interrupt() noexcept {
    dTHXa(perl_);
    if (!on_interrupt) return;
    interrupted = 1;
    PL_sig_pending = 1;
}

void Interpreter::set_interruptible(void (*handler)(::interpreter*)) noexcept {
    on_interrupt = handler;
    if (!handler) interrupted = 0;
}

bool Interpreter::call(const char* subroutine, const char* argument) noexcept {
    dTHXa(perl_);
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    if (argument) XPUSHs(sv_2mortal(newSVpv(argument, 0)));
    PUTBACK;
    call_pv(subroutine, G_EVAL | G_VOID | G_DISCARD);
    const std::string error = take_error(aTHX);
    if (!error.empty())
        std::fprintf(stderr, "mpsup: %s: %s%s", subroutine, error.c_str(), error.ends_with('\n') ? "" : "\n");
    FREETMPS;
    LEAVE;
    return error.empty();
}

void Interpreter::leave(int code) noexcept {
    flush();
    ::_exit(code);
}

} // namespace mpsup::perl
