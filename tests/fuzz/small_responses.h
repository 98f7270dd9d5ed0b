// What the harnesses of the cache keep in it.
#pragma once

#include "worker/cache/store.h"

#include <cstdlib>
#include <string>

namespace mpsup::cache {

inline void require(bool good) {
    if (!good) std::abort();
}

inline CacheKey url(int number) { return {"http", "h", "/" + std::to_string(number), "", false}; }

/// Every third one is a variant.
inline void store(Store& store, int number, std::size_t size, const Metadata& metadata = {}) {
    const CacheKey key = url(number);
    NewResponse response;
    response.key = key.text();
    response.fields = "A: b\r\n";
    response.variant = number % 3 == 0 ? "foo:1\n" : "";
    response.tags = "t\n";
    response.metadata = metadata;
    StoreWriter writer = store.begin(response);
    static_cast<void>(writer.append(std::string(size, 'x')) && writer.commit());
}

} // namespace mpsup::cache
