// Whole and byte by byte, a connection must do the same with any input, and end.
#include "tests/worker/http/client.h"

#include <cstdint>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    mpsup::http::MemoryClient whole;
    whole.send(bytes).hang_up();
    mpsup::http::MemoryClient cut;
    cut.send(bytes, 1).hang_up();
    if (!whole.closed || whole.replies() != cut.replies() || whole.bodies != cut.bodies) std::abort();
    return 0;
}
