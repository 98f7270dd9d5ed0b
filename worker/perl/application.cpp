#include "worker/perl/application.h"

#include "worker/perl/exchange.h"
#include "worker/perl/psgi_env.h"
#include "worker/perl/psgi_response.h"

namespace mpsup::perl {

namespace {

Exchange* the_exchange = nullptr;

// The text of $@, and whether it is our own exit() object.
std::string take_error(pTHX) {
    SV* error = ERRSV;
    if (!SvTRUE(error)) return {};
    std::string text;
    if (sv_isa(error, "Mpsup::Exit")) {
        text = "the application called exit";
    } else {
        STRLEN size = 0;
        const char* bytes = SvPV(error, size);
        text.assign(bytes, size);
    }
    sv_setsv(error, &PL_sv_undef);
    CLEAR_ERRSV();
    return text;
}

// Everything of a request that runs Perl code, within one eval: whatever dies, ends here. Owns nothing.
void xs_serve(pTHX_ CV* cv) {
    dXSARGS;
    PERL_UNUSED_VAR(items);
    PERL_UNUSED_VAR(cv);
    Exchange& exchange = *the_exchange;
    SP -= items;
    SV* env = make_env(aTHX_ exchange);
    PUSHMARK(SP);
    XPUSHs(env);
    PUTBACK;
    call_sv(exchange.application, G_SCALAR);
    SPAGAIN;
    SV* response = POPs;
    PUTBACK;
    if (!exchange.interpreter->is_our_process()) exchange.interpreter->leave(0); // a fork came back: it is no server
    pass_response(aTHX_ exchange, response);
    XSRETURN_EMPTY;
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
        exchange_.started = exchange_.broken = false;
        exchange_.announced.reset();
        exchange_.written = 0;
        set_current_exchange(&exchange_);
        std::string error = run(aTHX);
        set_current_exchange(nullptr);
        const bool is_short = exchange_.announced && exchange_.written < *exchange_.announced &&
                              input.request.method != "HEAD" && !exchange_.broken;
        if (is_short && error.empty()) error = "the body is shorter than its Content-Length";
        return {exchange_.started, exchange_.started && error.empty(), std::move(error)};
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
};

Application::Application(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::load(Interpreter& interpreter, const std::string& file) {
    dTHXa(interpreter.get());
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    XPUSHs(sv_2mortal(newSVpvn(file.data(), file.size())));
    PUTBACK;
    call_pv("Mpsup::PSGI::load", G_EVAL | G_SCALAR);
    SPAGAIN;
    SV* application = newSVsv(POPs);
    PUTBACK;
    std::string error = take_error(aTHX);
    FREETMPS;
    LEAVE;
    if (!error.empty()) return failure(std::move(error));
    if (!SvROK(application)) return failure(file + " does not return an application (a code reference)");
    return std::unique_ptr<Application>(new Application(std::make_unique<Impl>(interpreter, application)));
}

CallOutcome Application::call(const RequestInput& input, Reply& reply) { return impl_->call(input, reply); }

} // namespace mpsup::perl
