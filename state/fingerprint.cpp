#include "state/fingerprint.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace mpsup::state {

namespace {

constexpr std::string_view eval_file = "(eval ";

std::size_t skip_digits(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of("0123456789", at), text.size());
}

// The last ":12" that ends the frame or stands before a space: file names may hold colons and spaces, subs hold "::".
std::string without_line(std::string_view frame) {
    for (std::size_t colon = frame.rfind(':'); colon != std::string_view::npos && colon > 0;
         colon = frame.rfind(':', colon - 1)) {
        const std::size_t end = skip_digits(frame, colon + 1);
        if (end > colon + 1 && (end == frame.size() || frame[end] == ' '))
            return std::string(frame.substr(0, colon)) + std::string(frame.substr(end));
    }
    return std::string(frame);
}

// Perl counts string evals: the same one is another file each time.
std::string without_eval_number(std::string frame) {
    if (frame.starts_with(eval_file))
        frame.erase(eval_file.size(), skip_digits(frame, eval_file.size()) - eval_file.size());
    return frame;
}

class Fnv1a { // the 64-bit one
public:
    void add(std::string_view bytes) noexcept {
        for (const char byte : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    }
    [[nodiscard]] std::string digits() const {
        std::string digits;
        for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash_ >> shift & 0xF];
        return digits;
    }

private:
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

} // namespace

std::string fingerprint_of(const std::vector<std::string>& frames) {
    Fnv1a hash;
    for (const std::string& frame : frames) {
        hash.add(without_eval_number(without_line(frame)));
        hash.add("\n");
    }
    return hash.digits();
}

} // namespace mpsup::state
