// What decodes as a contract message encodes to something that decodes to the same.
#include "worker/contract/messages.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = mpsup::contract::decode({reinterpret_cast<const char*>(data), size});
    if (!message) return 0;
    const std::string packet = mpsup::contract::encode(*message);
    const auto again = mpsup::contract::decode(packet);
    if (!again || mpsup::contract::encode(*again) != packet) std::abort();
    return 0;
}
