#include "worker/perl/psgi_response.h"

#include <charconv>
#include <unistd.h>

namespace mpsup::perl {

namespace {

constexpr std::size_t gathered_at_most = 65536; // array bodies up to this size leave in one write with the head

// An element of what may be a tied array, fetched; null: there is none.
SV* element(pTHX_ AV* array, SSize_t index) {
    SV** slot = av_fetch(array, index, 0);
    if (!slot) return nullptr;
    SvGETMAGIC(*slot);
    return *slot;
}

// The bytes of a value that was fetched. Text that Perl keeps as UTF-8 inside is latin-1 outside; what has wide characters is no bytes.
// Works on a copy: the application's own value stays as it is. The view lives as long as the mortal copy.
std::string_view bytes_of(pTHX_ SV* value, const char* what) {
    STRLEN size = 0;
    const char* text = SvPV_nomg(value, size);
    if (SvUTF8(value)) { // of an overloaded object: set by the call above
        SV* copy = sv_2mortal(newSVpvn_flags(text, size, SVf_UTF8));
        if (!sv_utf8_downgrade(copy, 1)) Perl_croak(aTHX_ "wide character in %s", what);
        text = SvPV_nomg(copy, size);
    }
    return {text, size};
}

// Header names and values of the response into exchange.fields; Content-Length and Connection are understood.
bool read_fields(pTHX_ Exchange& exchange, SV* headers) {
    if (!SvROK(headers) || SvTYPE(SvRV(headers)) != SVt_PVAV)
        Perl_croak(aTHX_ "the headers of a response are an array reference");
    AV* list = reinterpret_cast<AV*>(SvRV(headers));
    const SSize_t count = av_count(list);
    if (count % 2 != 0) Perl_croak(aTHX_ "the headers of a response are pairs of name and value");
    bool close = false;
    exchange.fields.clear();
    for (SSize_t i = 0; i < count; i += 2) {
        SV* const name = element(aTHX_ list, i);
        SV* const value = element(aTHX_ list, i + 1);
        if (!name || !value || !SvOK(name)) Perl_croak(aTHX_ "a header without a name");
        const http::Field field{bytes_of(aTHX_ name, "the name of a header"),
                                bytes_of(aTHX_ value, "the value of a header")};
        if (http::equals_ignoring_case(field.name, "content-length")) {
            std::uint64_t length = 0;
            const char* end = field.value.data() + field.value.size();
            const auto [rest, error] = std::from_chars(field.value.data(), end, length);
            if (error != std::errc{} || rest != end) Perl_croak(aTHX_ "Content-Length is no number");
            if (exchange.announced && *exchange.announced != length)
                Perl_croak(aTHX_ "two Content-Lengths that differ");
            exchange.announced = length;
        } else if (http::equals_ignoring_case(field.name, "connection")) {
            close = close || http::list_contains(field.value, "close");
        } else {
            exchange.fields.push_back(field);
        }
    }
    return close;
}

void refuse_bad(pTHX_ Reply::Started result) {
    switch (result) {
    case Reply::Started::ok: return;
    case Reply::Started::bad_status: Perl_croak(aTHX_ "the status of a response is a number from 200 to 599");
    case Reply::Started::bad_field_name: Perl_croak(aTHX_ "the name of a header is no token");
    case Reply::Started::bad_field_value: Perl_croak(aTHX_ "control character in the value of a header");
    }
}

// `length`: of the content as far as it is known from the content itself.
void start_reply(pTHX_ Exchange& exchange, SV* status, SV* headers, std::optional<std::uint64_t> length) {
    if (exchange.started) Perl_croak(aTHX_ "a second response to one request");
    exchange.announced.reset();
    const bool close = read_fields(aTHX_ exchange, headers);
    if (exchange.announced)
        length = exchange.announced;
    else
        exchange.announced = length;
    const IV code = SvIV(status);
    const int bounded = code < 0 || code > 999 ? 0 : static_cast<int>(code);
    refuse_bad(aTHX_ exchange.reply->start(bounded, exchange.fields, length, close));
    exchange.started = true;
    exchange.has_content = code != 204 && code != 205 && code != 304;
}

bool put_bytes(Exchange& exchange, std::string_view bytes) {
    if (exchange.broken) return false;
    if (exchange.announced && exchange.written + bytes.size() > *exchange.announced) {
        bytes = bytes.substr(0, *exchange.announced - exchange.written);
        exchange.broken = true; // the client gets what it was promised, and not one byte more
        exchange.written += bytes.size();
        if (!bytes.empty()) exchange.reply->write(bytes);
        return false;
    }
    exchange.written += bytes.size();
    if (!bytes.empty() && !exchange.reply->write(bytes)) exchange.broken = true;
    return !exchange.broken;
}

void pass_array_body(pTHX_ Exchange& exchange, SV* status, SV* headers, AV* body) {
    std::uint64_t total = 0;
    exchange.pieces.clear();
    const SSize_t count = av_count(body);
    for (SSize_t i = 0; i < count; ++i) {
        SV* const piece = element(aTHX_ body, i);
        if (!piece || !SvOK(piece)) continue;
        exchange.pieces.push_back(bytes_of(aTHX_ piece, "the body of a response"));
        total += exchange.pieces.back().size();
    }
    start_reply(aTHX_ exchange, status, headers, total);
    if (exchange.pieces.size() > 1 && total <= gathered_at_most) {
        exchange.text.clear();
        for (const std::string_view piece : exchange.pieces) exchange.text += piece;
        put_bytes(exchange, exchange.text);
        return;
    }
    for (const std::string_view piece : exchange.pieces)
        if (!put_bytes(exchange, piece)) return;
}

void pass_other_body(pTHX_ SV* status, SV* headers, SV* body) {
    dSP;
    PUSHMARK(SP);
    XPUSHs(status);
    XPUSHs(headers);
    XPUSHs(body);
    PUTBACK;
    call_pv("Mpsup::PSGI::send_body", G_VOID | G_DISCARD);
}

void pass_array(pTHX_ Exchange& exchange, AV* response) {
    if (exchange.taken && av_count(response) == 0) return; // it has answered by itself
    if (av_count(response) < 3) Perl_croak(aTHX_ "a response has status, headers and body");
    SV* const status = element(aTHX_ response, 0);
    SV* const headers = element(aTHX_ response, 1);
    SV* const body = element(aTHX_ response, 2);
    if (!status || !headers || !body) Perl_croak(aTHX_ "a response has status, headers and body");
    if (SvROK(body) && SvTYPE(SvRV(body)) == SVt_PVAV && !SvOBJECT(SvRV(body)))
        return pass_array_body(aTHX_ exchange, status, headers, reinterpret_cast<AV*>(SvRV(body)));
    if (!SvROK(body) && SvTYPE(body) != SVt_PVGV)
        Perl_croak(aTHX_ "the body of a response is an array reference, a file handle or an object with getline");
    pass_other_body(aTHX_ status, headers, body);
}

// The application wants to answer in its own time, within this call: it gets a responder.
void pass_delayed(pTHX_ Exchange& exchange, SV* code) {
    dSP;
    PUSHMARK(SP);
    XPUSHs(sv_2mortal(newSVuv(exchange.serial)));
    PUTBACK;
    call_pv("Mpsup::PSGI::responder", G_SCALAR);
    SPAGAIN;
    SV* responder = POPs;
    PUSHMARK(SP);
    XPUSHs(responder);
    PUTBACK;
    call_sv(code, G_VOID | G_DISCARD);
    if (!exchange.interpreter->is_our_process()) exchange.interpreter->leave(0); // a fork came back: it is no server
    if (!exchange.started && !exchange.taken) Perl_croak(aTHX_ "the application returned without having responded");
}

Exchange& exchange_or_die(pTHX) {
    Exchange* exchange = current_exchange();
    if (!exchange) Perl_croak(aTHX_ "there is no request in hand");
    return *exchange;
}

void xs_start(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 2) croak_xs_usage(cv, "status, headers");
    start_reply(aTHX_ exchange_or_die(aTHX), ST(0), ST(1), std::nullopt);
    XSRETURN_EMPTY;
}

void xs_put(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 1) croak_xs_usage(cv, "bytes");
    Exchange& exchange = exchange_or_die(aTHX);
    SvGETMAGIC(ST(0));
    const bool more = put_bytes(exchange, bytes_of(aTHX_ ST(0), "the body of a response"));
    ST(0) = boolSV(more);
    XSRETURN(1);
}

void xs_flush(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 0) croak_xs_usage(cv, "");
    Exchange& exchange = exchange_or_die(aTHX);
    if (exchange.started && !exchange.broken && !exchange.reply->flush()) exchange.broken = true;
    XSRETURN_EMPTY;
}

void xs_send_file(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 5) croak_xs_usage(cv, "status, headers, fd, offset, count");
    Exchange& exchange = exchange_or_die(aTHX);
    std::uint64_t count = SvUV(ST(4));
    start_reply(aTHX_ exchange, ST(0), ST(1), count);
    if (exchange.announced) count = std::min(count, *exchange.announced);
    exchange.written += count;
    if (count > 0 && !exchange.reply->send_file(static_cast<int>(SvIV(ST(2))), SvUV(ST(3)), count))
        exchange.broken = true;
    XSRETURN_EMPTY;
}

void xs_respond(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 1 || !SvROK(ST(0)) || SvTYPE(SvRV(ST(0))) != SVt_PVAV) croak_xs_usage(cv, "response");
    pass_array(aTHX_ exchange_or_die(aTHX), reinterpret_cast<AV*>(SvRV(ST(0))));
    XSRETURN_EMPTY;
}

// The callback psgix.informational: an interim reply.
void xs_inform(pTHX_ CV* cv) {
    dXSARGS;
    if (items < 1) croak_xs_usage(cv, "code, headers");
    Exchange& exchange = exchange_or_die(aTHX);
    if (exchange.started) Perl_croak(aTHX_ "an informational response after the final one");
    SV* none = sv_2mortal(newRV_noinc(reinterpret_cast<SV*>(newAV())));
    const auto announced = exchange.announced;
    (void)read_fields(aTHX_ exchange, items > 1 ? ST(1) : none);
    exchange.announced = announced;
    refuse_bad(aTHX_ exchange.reply->inform(static_cast<int>(SvIV(ST(0))), exchange.fields));
    XSRETURN_EMPTY;
}

void xs_is_current(pTHX_ CV* cv) {
    dXSARGS;
    if (items != 1) croak_xs_usage(cv, "serial");
    const Exchange* exchange = current_exchange();
    ST(0) = boolSV(exchange && exchange->serial == SvUV(ST(0)));
    XSRETURN(1);
}

} // namespace

void pass_response(pTHX_ Exchange& exchange, SV* response) {
    if (!SvROK(response)) Perl_croak(aTHX_ "a response is an array reference or a code reference");
    SV* target = SvRV(response);
    if (SvTYPE(target) == SVt_PVAV && !SvOBJECT(target))
        return pass_array(aTHX_ exchange, reinterpret_cast<AV*>(target));
    if (SvTYPE(target) == SVt_PVCV || SvAMAGIC(response)) return pass_delayed(aTHX_ exchange, response);
    if (SvTYPE(target) == SVt_PVAV) return pass_array(aTHX_ exchange, reinterpret_cast<AV*>(target));
    Perl_croak(aTHX_ "a response is an array reference or a code reference");
}

void define_response_functions(pTHX) {
    newXS("Mpsup::PSGI::start", xs_start, __FILE__);
    newXS("Mpsup::PSGI::put", xs_put, __FILE__);
    newXS("Mpsup::PSGI::flush", xs_flush, __FILE__);
    newXS("Mpsup::PSGI::send_file", xs_send_file, __FILE__);
    newXS("Mpsup::PSGI::respond", xs_respond, __FILE__);
    newXS("Mpsup::PSGI::inform", xs_inform, __FILE__);
    newXS("Mpsup::PSGI::is_current", xs_is_current, __FILE__);
}

} // namespace mpsup::perl
