#include "worker/perl/perl_stack.h"

#include <charconv>
#include <sys/uio.h>
#include <unistd.h>

namespace mpsup::perl {

namespace {

constexpr int most_frames = 64;
constexpr int most_stacks = 16; // each sort block, overloaded operator, tied method… has one of its own
constexpr std::size_t longest_file = 160;
constexpr std::size_t longest_name = 120;

// As much of `size` bytes at `from` as can be read.
std::size_t peek_bytes(const void* from, void* to, std::size_t size) noexcept {
    iovec here{to, size};
    iovec there{const_cast<void*>(from), size};
    const ssize_t got = from ? ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) : -1;
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

// NOLINTBEGIN(bugprone-sizeof-expression): pointers are peeked at, too
template <typename T> bool peek(const T* from, T& to) noexcept { return peek_bytes(from, &to, sizeof to) == sizeof to; }
// NOLINTEND(bugprone-sizeof-expression)

// Collects lines; what does not fit whole is left out.
class Lines {
public:
    explicit Lines(std::span<char> space) noexcept : space_(space) {}

    void append(std::string_view text) noexcept {
        if (text.size() > space_.size() - used_) full_ = true;
        if (full_) return;
        std::memcpy(space_.data() + used_, text.data(), text.size());
        used_ += text.size();
    }
    void append_c_string(const char* from, std::size_t longest) noexcept {
        std::array<char, 256> bytes{};
        const std::size_t got = peek_bytes(from, bytes.data(), std::min(longest, bytes.size()));
        append({bytes.data(), ::strnlen(bytes.data(), got)});
    }
    void append_hek(const HEK* from) noexcept {
        std::array<char, 256> bytes{};
        constexpr std::size_t head = STRUCT_OFFSET(HEK, hek_key);
        I32 size = 0;
        if (peek_bytes(&from->hek_len, &size, sizeof size) != sizeof size || size <= 0) return append("?");
        const auto wanted = std::min(static_cast<std::size_t>(size), longest_name);
        const std::size_t got = peek_bytes(reinterpret_cast<const char*>(from) + head, bytes.data(), wanted);
        append({bytes.data(), got});
    }
    void end_line() noexcept {
        append("\n");
        if (!full_) whole_ = used_;
    }
    [[nodiscard]] bool full() const noexcept { return full_; }
    [[nodiscard]] std::size_t size() const noexcept { return whole_; }

private:
    std::span<char> space_;
    std::size_t used_ = 0;
    std::size_t whole_ = 0; // up to the end of the last whole line
    bool full_ = false;
};

void append_place(Lines& lines, const COP* at) noexcept {
    COP cop;
    if (!peek(at, cop)) return lines.append("?:0");
    lines.append_c_string(CopFILE(&cop), longest_file);
    std::array<char, 12> digits{};
    digits[0] = ':';
    const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), CopLINE(&cop)).ptr;
    lines.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void append_package(Lines& lines, const HV* stash) noexcept {
    HV head;
    xpvhv_with_aux body;
    if (!peek(stash, head) || !(head.sv_flags & SVf_OOK) ||
        !peek(static_cast<const xpvhv_with_aux*>(static_cast<const void*>(head.sv_any)), body))
        return lines.append("?");
    const HEK* name = body.xhv_aux.xhv_name_u.xhvnameu_name;
    if (body.xhv_aux.xhv_name_count != 0) { // several names: the first of a list
        HEK* first = nullptr;
        if (!peek(body.xhv_aux.xhv_name_u.xhvnameu_names, first)) return lines.append("?");
        name = first;
    }
    lines.append_hek(name);
}

void append_sub(Lines& lines, const CV* at) noexcept {
    CV head;
    XPVCV body;
    if (!peek(at, head) || !peek(static_cast<const XPVCV*>(head.sv_any), body)) return lines.append("?");
    if (body.xcv_flags & CVf_NAMED) {
        append_package(lines, body.xcv_stash);
        lines.append("::");
        return lines.append_hek(body.xcv_gv_u.xcv_hek);
    }
    GV glob;
    XPVGV glob_body;
    if (!body.xcv_gv_u.xcv_gv || !peek(body.xcv_gv_u.xcv_gv, glob) ||
        !peek(static_cast<const XPVGV*>(glob.sv_any), glob_body))
        return lines.append("__ANON__");
    append_package(lines, glob_body.xnv_u.xgv_stash);
    lines.append("::");
    lines.append_hek(glob_body.xiv_u.xivu_namehek);
}

} // namespace

std::size_t copy_perl_stack(const ::interpreter* perl, std::span<char> text) noexcept {
    Lines lines(text);
    const COP* place = perl->Icurcop;
    int frames = 0;
    const PERL_SI* at = perl->Icurstackinfo;
    for (int stacks = 0; at && stacks < most_stacks; ++stacks) {
        PERL_SI stack;
        if (!peek(at, stack)) break;
        for (I32 i = std::min(stack.si_cxix, stack.si_cxmax); i >= 0 && !lines.full(); --i) {
            PERL_CONTEXT frame;
            if (!peek(stack.si_cxstack + i, frame)) break;
            if (CxTYPE(&frame) != CXt_SUB) continue;
            if (frame.cx_type & CXp_SUB_RE_FAKE) continue; // code in a regular expression: its sub comes again
            if (++frames > most_frames) return lines.size();
            append_place(lines, place);
            lines.append(" ");
            append_sub(lines, frame.blk_sub.cv);
            lines.end_line();
            place = frame.blk_oldcop;
        }
        at = stack.si_prev;
    }
    return lines.size();
}

} // namespace mpsup::perl
