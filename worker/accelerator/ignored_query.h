// Parameters of a query that make no difference to what is answered.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

/// `query` without the parameters that are named, byte for byte and in the same order. A name that ends in `*` stands for
/// all that begin so. Names are compared as they stand in the URL, undecoded. What contains a `;` stays: to many applications
/// that is more than one parameter.
[[nodiscard]] std::string without_parameters(std::string_view query, std::span<const std::string> names);

} // namespace mpsup::accelerator
