// The fields that a route prescribes for replies.
#pragma once

#include "worker/contract/front.h"
#include "worker/http/reply.h"

#include <vector>

namespace mpsup::accelerator {

/// Each in the place of those of its name; an empty value takes them away.
void apply_headers(http::Reply& reply, const contract::TextPairs& headers);
/// The same for fields that are sent without a reply around them. `headers` outlive them.
void apply_headers(std::vector<http::Field>& fields, const contract::TextPairs& headers);

} // namespace mpsup::accelerator
