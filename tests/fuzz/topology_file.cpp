// Any bytes as a topology file: a topology or problems, and a topology survives its document.
#include "supervisor/topology/load.h"
#include "supervisor/topology/resolve.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace mpsup::topology;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto loaded = load_text(text, "fuzz.yaml", "/");
    if (!loaded) {
        if (loaded.error().empty() || format_problems(loaded.error()).empty()) std::abort();
        return 0;
    }
    const auto again = from_document(to_document(loaded->topology));
    if (!again || *again != loaded->topology) std::abort();
    return 0;
}
