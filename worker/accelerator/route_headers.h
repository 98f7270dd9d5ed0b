// The fields that a route prescribes for replies.
#pragma once

#include "worker/contract/front.h"
#include "worker/http/reply.h"

#include <string_view>
#include <vector>

namespace mpsup::accelerator {

/// Each in the place of those of its name; an empty value takes them away.
void apply_headers(http::Reply& reply, const contract::TextPairs& headers);
/// The same for fields that are sent without a reply around them. `headers` outlive them.
void apply_headers(std::vector<http::Field>& fields, const contract::TextPairs& headers);

/// One field in the place of all of its name.
void set_field(std::vector<http::Field>& fields, std::string_view name, std::string_view value);

} // namespace mpsup::accelerator
