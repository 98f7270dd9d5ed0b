#include "worker/perl/thrown.h"

namespace mpsup::perl {

namespace {

std::string text_of_object(pTHX_ SV* thrown) {
    const char* kind = sv_reftype(SvRV(thrown), 1); // lives as long as its class
    std::string text = "died of an object of " + std::string(kind ? kind : "no class") + " that has no text";
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    XPUSHs(thrown);
    PUTBACK;
    const SSize_t count = call_pv("Mpsup::PSGI::text_of", G_EVAL | G_SCALAR);
    SPAGAIN;
    SV* const answer = count > 0 ? POPs : nullptr;
    if (answer && SvPOK(answer) && !SvROK(ERRSV) && !SvTRUE(ERRSV)) text.assign(SvPVX(answer), SvCUR(answer));
    PUTBACK;
    FREETMPS;
    LEAVE;
    CLEAR_ERRSV();
    return text;
}

} // namespace

std::string take_error(pTHX) {
    SV* const error = ERRSV;
    if (SvROK(error)) { // whatever it says of its truth
        if (sv_isa(error, "Mpsup::Exit")) {
            CLEAR_ERRSV();
            return "the application called exit";
        }
        SV* const thrown = newSVsv(error);
        CLEAR_ERRSV();
        std::string text = text_of_object(aTHX_ thrown);
        SvREFCNT_dec_NN(thrown); // a destructor that dies is warned of by Perl
        return text;
    }
    std::string text;
    if (SvTRUE(error)) {
        STRLEN size = 0;
        const char* bytes = SvPV(error, size);
        text.assign(bytes, size);
    }
    CLEAR_ERRSV();
    return text;
}

} // namespace mpsup::perl
