// Any bytes as what a crawler says: an error, or a fact that can be said again.
#include "worker/contract/link_check.h"

#include <cstdint>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mpsup::contract;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)decode_link_job(text);
    const auto fact = decode_link_fact(text);
    if (!fact) return 0;
    const std::string said = encode_link_fact(*fact);
    const auto again = decode_link_fact(said);
    if (!again || encode_link_fact(*again) != said) std::abort();
    return 0;
}
