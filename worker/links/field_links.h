// The links of a response's fields.
#pragma once

#include "worker/links/link_map.h"
#include "worker/links/reference_spans.h"

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::links {

/// The new value of Location, Content-Location, Link or Refresh; nothing when it stays as it is, and for every other name.
/// `base`: of the request's path, because `<base href>` has no say in fields. What is written is percent-encoded where a
/// field or a '<…>' could not hold it.
[[nodiscard]] std::optional<std::string> changed_field(std::string_view name, std::string_view value,
                                                       const LinkMap& map, const LinkBase& base);

/// Where the references are in the value of one of these fields; nothing for every other name.
[[nodiscard]] std::optional<Spans> field_references(std::string_view name, std::string_view value);

} // namespace mpsup::links
