// PROXY headers: any bytes, and the same bytes cut short, which must never be judged otherwise than as a whole.
#include "worker/http/proxy_protocol.h"

#include <cstdlib>

using mpsup::http::parse_proxy_header;
using Status = mpsup::http::ProxyHeader::Status;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT: libFuzzer's name
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = parse_proxy_header(bytes);
    if (whole.status == Status::complete && (whole.size > size || whole.size > mpsup::http::max_proxy_header))
        std::abort();
    if (whole.status == Status::complete && whole.told && (whole.address.empty() || whole.local_address.empty()))
        std::abort();
    for (std::size_t part = 0; part < size; part += 1 + part / 16) {
        const auto cut = parse_proxy_header(bytes.substr(0, part));
        if (cut.status == Status::bad && whole.status != Status::bad) std::abort();
        if (cut.status == Status::complete && (whole.status != Status::complete || whole.size != cut.size))
            std::abort();
    }
    return 0;
}
