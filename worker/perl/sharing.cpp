#include "worker/perl/sharing.h"

namespace mpsup::perl {

namespace {

constexpr STRLEN short_string = 512;

// An ordinary string that nobody shares yet. OOK: its buffer begins elsewhere.
bool is_plain_string(const SV* value) noexcept {
    constexpr U32 wanted = SVf_POK | SVp_POK;
    constexpr U32 looked_at = wanted | SVf_ROK | SVf_OOK | SVf_READONLY | SVf_PROTECT | SVs_PADTMP;
    const svtype type = SvTYPE(value);
    if (type < SVt_PV || type > SVt_PVMG || type == SVt_INVLIST) return false;
    if (type == SVt_PVMG && SvMAGIC(value)) return false; // whose may count on it
    return (SvFLAGS(value) & looked_at) == wanted;
}

// 0: the one that has it is the only one.
bool is_shared(const SV* value) noexcept { return SvIsCOW(value) && (SvLEN(value) == 0 || CowREFCNT(value) != 0); }

} // namespace

std::size_t keep_strings_shared(pTHX) noexcept {
    std::size_t changed = 0;
    // As perl itself goes through all there is (sv.c, S_visit): arenas are arrays of heads, the first of which is theirs.
    for (SV* arena = PL_sv_arenaroot; arena; arena = static_cast<SV*>(SvANY(arena))) {
        const SV* const end = &arena[SvREFCNT(arena)];
        for (SV* value = arena + 1; value < end; ++value) {
            if (SvTYPE(value) == static_cast<svtype>(SVTYPEMASK) || SvREFCNT(value) == 0) continue;
            if (!is_plain_string(value) || is_shared(value)) continue;
            if (SvCUR(value) > short_string || SvLEN(value) <= SvCUR(value) + 1) continue;
            SvIsCOW_off(value);
            SvLEN_set(value, SvCUR(value) + 1); // of a buffer that has more: perl asks for a larger one when it grows
            ++changed;
        }
    }
    return changed;
}

} // namespace mpsup::perl
