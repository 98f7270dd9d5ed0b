// A chunked body is decoded the same whole and in pieces, and never yields more than came in.
#include "worker/http/body_decoder.h"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using mpsup::http::BodyDecoder;

struct Outcome {
    std::string content;
    std::size_t rest = 0;
    int refusal = 0;
    bool ended = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(std::string_view bytes, std::size_t step) {
    BodyDecoder decoder({});
    decoder.start(mpsup::http::Framing::chunked, 0, 0, 0);
    Outcome outcome;
    for (;;) {
        const std::string part(bytes.substr(0, step));
        const auto result = decoder.decode(part);
        outcome.content += result.piece;
        bytes.remove_prefix(result.used);
        outcome.refusal = decoder.refusal().status;
        outcome.ended = decoder.ended();
        if (outcome.ended) outcome.rest = bytes.size();
        if (outcome.refusal != 0 || outcome.ended) return outcome;
        if (bytes.empty() && result.status == BodyDecoder::Status::more) return outcome;
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Outcome whole = decode(bytes, std::string_view::npos);
    if (whole.content.size() > size || decode(bytes, 1) != whole || decode(bytes, 5) != whole) std::abort();
    return 0;
}
