// Parameters of a query that make no difference to what is answered.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

/// `query` without the parameters that are named, byte for byte and in the same order. A name that ends in `*` stands for
/// all that begin so. Names are compared as they stand in the URL, undecoded.
[[nodiscard]] std::string without_parameters(std::string_view query, std::span<const std::string> names);

} // namespace mpsup::accelerator
