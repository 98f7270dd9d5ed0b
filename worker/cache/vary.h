// Which requests a stored response is for (RFC 9111 section 4.1).
#pragma once

#include "worker/cache/cache_control.h"

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::cache {

/// The fields that Vary names with the values that the request had, as one text that is stored with the response: for each
/// field, in order of names, "name:value\n"; "name\n" when it was absent. Empty: no Vary. Nothing: "*" is among them, or
/// what is no name, or there are more than 16; so no other request is ever known to match. Of the fields that the origin gets
/// as we write them, X-Forwarded-Host, -Prefix and -Proto follow from the key and are left out; the others (Forwarded, Via,
/// X-Forwarded-For and -Port, X-Real-IP, X-Request-Id, X-Request-Start) differ from request to request: they count as "*".
///
/// Values are made alike where the meaning is the same: lines joined, white space around commas dropped, and members of
/// Accept, Accept-Charset, Accept-Encoding and Accept-Language in lower case, sorted, without q=1.
[[nodiscard]] std::optional<std::string> variant_text(Fields response, Fields request);

/// Does a request match? `language` is the Content-Language of the stored response: when it is the one language that a
/// request likes best, it is for that request whatever else both accept.
[[nodiscard]] bool variant_matches(std::string_view text, Fields request, std::string_view language = {});

} // namespace mpsup::cache
