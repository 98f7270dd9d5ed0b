// Dictionaries of structured fields (RFC 8941 section 3.2).
#pragma once

#include "worker/cache/field_list.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace mpsup::cache {

/// A member's value as far as caches care. Parameters are checked and dropped.
struct DictionaryValue {
    enum class Kind { boolean, integer, string, other };
    Kind kind = Kind::other;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string_view string; // between the quotes, escapes left as they are
};

/// Calls `visit` for each member, in order, a key that comes again included. False: some line of the field is malformed, or
/// there is no such field, or nothing in it; what was visited by then is to be forgotten.
[[nodiscard]] bool parse_dictionary(Fields fields, std::string_view name,
                                    const std::function<void(std::string_view, const DictionaryValue&)>& visit);

} // namespace mpsup::cache
