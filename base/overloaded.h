// One visitor out of several lambdas, for std::visit.
#pragma once

namespace mpsup {

template <typename... Visitors> struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

} // namespace mpsup
