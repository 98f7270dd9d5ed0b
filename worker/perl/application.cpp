#include "worker/perl/application.h"

#include "worker/perl/exchange.h"
#include "worker/perl/fork_safety.h"
#include "worker/perl/process_state.h"
#include "worker/perl/psgi_env.h"
#include "worker/perl/psgi_response.h"
#include "worker/perl/thrown.h"

#include <cstdio>

namespace mpsup::perl {

namespace {

Exchange* the_exchange = nullptr;

// Everything of a request that runs Perl code, within one eval: whatever dies, ends here. Owns nothing.
void xs_serve(pTHX_ CV* cv) {
    dXSARGS;
    PERL_UNUSED_VAR(items);
    PERL_UNUSED_VAR(cv);
    Exchange& exchange = *the_exchange;
    SP -= items;
    exchange.env = make_env(aTHX_ exchange);
    PUSHMARK(SP);
    XPUSHs(exchange.env);
    PUTBACK;
    call_sv(exchange.application, G_SCALAR);
    SPAGAIN;
    SV* response = POPs;
    PUTBACK;
    if (!exchange.interpreter->is_our_process()) exchange.interpreter->leave(0); // a fork came back: it is no server
    pass_response(aTHX_ exchange, response);
    XSRETURN_EMPTY;
}

// The soft limit has passed: dies in whatever Perl code runs.
void die_of_time(pTHX) {
    Exchange* exchange = the_exchange;
    if (!exchange) return;
    exchange->timed_out = true;
    Perl_croak(aTHX_ "the request took longer than request_timeout allows (soft limit)\n");
}

// psgix.cleanup.handlers, each in an eval of its own: they cannot spoil the reply, which has left.
void run_cleanup_handlers(pTHX_ HV* env, SV* reference) {
    SV** slot = hv_fetchs(env, "psgix.cleanup.handlers", 0);
    if (!slot || !SvROK(*slot) || SvTYPE(SvRV(*slot)) != SVt_PVAV) return;
    AV* handlers = reinterpret_cast<AV*>(SvRV(*slot));
    for (SSize_t i = 0; i < static_cast<SSize_t>(av_count(handlers)); ++i) { // a handler may add another
        SV** handler = av_fetch(handlers, i, 0);
        if (!handler) continue;
        dSP;
        ENTER;
        SAVETMPS;
        PUSHMARK(SP);
        XPUSHs(reference);
        PUTBACK;
        call_sv(*handler, G_EVAL | G_VOID | G_DISCARD);
        if (const std::string error = take_error(aTHX); !error.empty())
            std::fprintf(stderr, "mpsup: psgix.cleanup handler: %s%s", error.c_str(),
                         error.ends_with('\n') ? "" : "\n");
        FREETMPS;
        LEAVE;
    }
}

} // namespace

Exchange* current_exchange() noexcept { return the_exchange; }
void set_current_exchange(Exchange* exchange) noexcept { the_exchange = exchange; }

class Application::Impl {
public:
    Impl(Interpreter& interpreter, SV* application) : perl_(interpreter.get()), application_(application) {
        dTHXa(perl_);
        exchange_.interpreter = &interpreter;
        env_template_ = make_env_template(aTHX);
        serve_ = newXS(nullptr, xs_serve, __FILE__);
    }

    CallOutcome call(const RequestInput& input, Reply& reply) {
        dTHXa(perl_);
        exchange_.input = &input;
        exchange_.reply = &reply;
        exchange_.application = application_;
        exchange_.env_template = env_template_;
        ++exchange_.serial;
        exchange_.started = exchange_.broken = exchange_.timed_out = exchange_.taken = false;
        exchange_.announced.reset();
        exchange_.written = 0;
        set_current_exchange(&exchange_);
        exchange_.interpreter->set_interruptible(die_of_time);
        std::string error = run(aTHX);
        exchange_.interpreter->set_interruptible(nullptr);
        set_current_exchange(nullptr);
        const int status = exchange_.timed_out ? 503 : 500;
        const bool is_short = exchange_.announced && exchange_.written < *exchange_.announced &&
                              input.request.method != "HEAD" && exchange_.has_content && !exchange_.broken;
        if (is_short && error.empty()) error = "the body is shorter than its Content-Length";
        return {exchange_.started, exchange_.started && error.empty(), status, std::move(error)};
    }

    bool finish_request() {
        dTHXa(perl_);
        bool leaves = false;
        if (SV* reference = std::exchange(exchange_.env, nullptr)) {
            HV* env = reinterpret_cast<HV*>(SvRV(reference));
            run_cleanup_handlers(aTHX_ env, reference);
            if (SV** harakiri = hv_fetchs(env, "psgix.harakiri.commit", 0)) leaves = SvTRUE(*harakiri);
            SvREFCNT_dec_NN(reference); // destructors of what the request held run here
            exchange_.connections.finish(aTHX);
        }
        state_.restore(aTHX);
        return leaves;
    }

    /// From here on this is what each request begins with.
    void remember_state() {
        dTHXa(perl_);
        state_.remember(aTHX);
    }

    std::vector<std::string> loaded_files() {
        dTHXa(perl_);
        dSP;
        ENTER;
        SAVETMPS;
        PUSHMARK(SP);
        PUTBACK;
        const SSize_t count = call_pv("Mpsup::PSGI::loaded_files", G_LIST | G_EVAL);
        SPAGAIN;
        std::vector<std::string> files;
        for (SSize_t i = 0; i < count; ++i) {
            SV* file = POPs; // a macro that SvPV would evaluate twice
            files.emplace_back(SvPV_nolen(file));
        }
        PUTBACK;
        CLEAR_ERRSV();
        FREETMPS;
        LEAVE;
        return files;
    }

private:
    std::string run(pTHX) {
        dSP;
        ENTER;
        SAVETMPS;
        PUSHMARK(SP);
        PUTBACK;
        call_sv(reinterpret_cast<SV*>(serve_), G_EVAL | G_VOID | G_DISCARD);
        std::string error = take_error(aTHX);
        FREETMPS;
        LEAVE;
        return error;
    }

    ::interpreter* perl_;
    SV* application_; // these three live as long as the interpreter, which is never torn down
    HV* env_template_ = nullptr;
    CV* serve_ = nullptr;
    Exchange exchange_;
    ProcessState state_;
};

Application::Application(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::load(Interpreter& interpreter, const ApplicationPlan& plan) {
    dTHXa(interpreter.get());
    ForkSafety::begin(aTHX);
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    const auto push = [&](const std::string& text) { XPUSHs(sv_2mortal(newSVpvn(text.data(), text.size()))); };
    push(plan.psgi.empty() ? plan.cgi : plan.psgi);
    push(plan.development ? "1" : "");
    push(plan.cgi_mode);
    for (const auto& [glob, mode] : plan.cgi_modes) {
        push(glob);
        push(mode);
    }
    PUTBACK;
    call_pv(plan.psgi.empty() ? "Mpsup::PSGI::load_cgi" : "Mpsup::PSGI::load", G_EVAL | G_SCALAR);
    SPAGAIN;
    SV* application = newSVsv(POPs);
    PUTBACK;
    std::string error = take_error(aTHX);
    FREETMPS;
    LEAVE;
    const auto findings = ForkSafety::end(aTHX);
    if (!error.empty()) return failure(std::move(error));
    if (!SvROK(application)) return failure(plan.psgi + " does not return an application (a code reference)");
    for (const std::string& finding : findings)
        std::fprintf(stderr, "mpsup: not safe to fork with: %s; make it in Mpsup::post_fork instead\n",
                     finding.c_str());
    return wrap(interpreter, application);
}

std::unique_ptr<Application> Application::wrap(Interpreter& interpreter, void* code) {
    std::unique_ptr<Application> made(new Application(std::make_unique<Impl>(interpreter, static_cast<SV*>(code))));
    made->impl_->remember_state();
    return made;
}

CallOutcome Application::call(const RequestInput& input, Reply& reply) { return impl_->call(input, reply); }
bool Application::finish_request() { return impl_->finish_request(); }
std::vector<std::string> Application::loaded_files() { return impl_->loaded_files(); }
void Application::remember_state() { impl_->remember_state(); }

} // namespace mpsup::perl
