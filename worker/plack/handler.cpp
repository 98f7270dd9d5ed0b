// What Plack::Handler::Mpsup has in C++. Its Perl half, worker/plack/lib, checks what people give.
#include "worker/perl/adopted_engine.h"
#include "worker/plack/server.h"

#include <cstdlib>
#include <exception>

#include "worker/perl/perl_api.h"

namespace {

using mpsup::Fd;
using mpsup::Result;

// Runs C++ that may throw or fail, and gives back what it made of it: a mortal value, or the text to die of. Nothing with
// a destructor is alive when the caller croaks.
template <typename Function> SV* attempt(pTHX_ bool& failed, Function function) {
    failed = true;
    try {
        auto result = function();
        failed = !result;
        if (result) return sv_2mortal(newSViv(*result));
        const std::string text = result.error().to_string();
        return sv_2mortal(newSVpvn(text.data(), text.size()));
    } catch (const std::exception& error) {
        return sv_2mortal(newSVpv(error.what(), 0));
    }
}

Result<int> number_of(Result<Fd> fd) {
    if (!fd) return std::unexpected(fd.error());
    return fd->release();
}

std::string text_of(pTHX_ SV* value) {
    STRLEN size = 0;
    const char* bytes = SvPV(value, size);
    return {bytes, size};
}

std::chrono::milliseconds seconds_of(pTHX_ SV* value) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(SvNV(value) * 1000));
}

Result<Fd> share_listener(const std::string& fd) { return mpsup::plack::share_listener(std::atoi(fd.c_str())); }

// listen_at("127.0.0.1:5000"), listen_at_path("/run/app.sock"), share_listener(fileno($socket)): a descriptor, which the
// caller owns.
template <Result<Fd> (*make)(const std::string&)> void xs_listener(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 1) croak_xs_usage(cv, "where");
    bool failed = false;
    SV* result = attempt(aTHX_ failed, [&] { return number_of(make(text_of(aTHX_ ST(0)))); });
    if (failed) croak_sv(result);
    ST(0) = result;
    XSRETURN(1);
}

void xs_adopt(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 0) croak_xs_usage(cv, "");
    bool failed = false;
    SV* result = attempt(aTHX_ failed, [&]() -> Result<int> {
        if (auto adopted = mpsup::perl::adopt_interpreter(aTHX); !adopted) return std::unexpected(adopted.error());
        return 0;
    });
    if (failed) croak_sv(result);
    XSRETURN_EMPTY;
}

constexpr I32 before_listeners = 6; // of the arguments of serve

// serve(application, workers, max_requests, keepalive, timeout, grace, descriptors of listeners, which it takes over): the
// exit code. Times in seconds.
void xs_serve(pTHX_ CV* cv) {
    dXSARGS;
    if (items <= before_listeners)
        croak_xs_usage(cv, "application, workers, max_requests, keepalive, timeout, grace, fd, ...");
    bool failed = false;
    SV* result = attempt(aTHX_ failed, [&]() -> Result<int> {
        mpsup::plack::Options options;
        options.workers = static_cast<int>(SvIV(ST(1)));
        options.max_requests = static_cast<std::uint64_t>(SvUV(ST(2)));
        options.keepalive = seconds_of(aTHX_ ST(3));
        options.timeout = seconds_of(aTHX_ ST(4));
        options.grace = seconds_of(aTHX_ ST(5));
        std::vector<Fd> listeners;
        for (I32 i = before_listeners; i < items; ++i) listeners.emplace_back(static_cast<int>(SvIV(ST(i))));
        auto engine = mpsup::perl::adopted_engine(aTHX, newSVsv(ST(0)));
        if (!engine) return std::unexpected(engine.error());
        return mpsup::plack::serve(**engine, std::move(listeners), options);
    });
    if (failed) croak_sv(result);
    ST(0) = result;
    XSRETURN(1);
}

} // namespace

// Called by XSLoader. The first line dies unless perl and the Perl half are those that this was built for.
extern "C" __attribute__((visibility("default"))) void boot_Plack__Handler__Mpsup(pTHX_ CV* cv); // NOLINT
extern "C" void boot_Plack__Handler__Mpsup(pTHX_ CV* cv) {                                       // NOLINT
    dXSBOOTARGSXSAPIVERCHK;
    PERL_UNUSED_VAR(cv);
    PERL_UNUSED_VAR(items);
    newXS("Plack::Handler::Mpsup::listen_at", xs_listener<mpsup::plack::listen_at>, __FILE__);
    newXS("Plack::Handler::Mpsup::listen_at_path", xs_listener<mpsup::plack::listen_at_path>, __FILE__);
    newXS("Plack::Handler::Mpsup::share_listener", xs_listener<share_listener>, __FILE__);
    newXS("Plack::Handler::Mpsup::adopt", xs_adopt, __FILE__);
    newXS("Plack::Handler::Mpsup::serve", xs_serve, __FILE__);
    Perl_xs_boot_epilog(aTHX_ ax);
}
