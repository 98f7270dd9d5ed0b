// Any bytes as a packet of the contract socket: an error, or a message that can be said again.
#include "worker/contract/messages.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace mpsup::contract;
    const auto message = decode({reinterpret_cast<const char*>(data), size});
    if (!message) return 0;
    const auto packet = encode(*message);
    const auto again = decode(packet);
    if (!again || again->index() != message->index() || encode(*again) != packet) std::abort();
    return 0;
}
