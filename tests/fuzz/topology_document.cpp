// Any bytes as a resolved document: an error, or a topology whose document says the same.
#include "supervisor/topology/diff.h"
#include "supervisor/topology/resolve.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace mpsup::topology;
    const auto parsed = from_document({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    const auto document = to_document(*parsed);
    const auto again = from_document(document);
    if (!again || *again != *parsed || to_document(*again) != document || !diff(*parsed, *again).empty()) std::abort();
    return 0;
}
