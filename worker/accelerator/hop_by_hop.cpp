#include "worker/accelerator/hop_by_hop.h"

namespace mpsup::accelerator {

namespace {

bool concerns_a_connection(std::string_view name) noexcept {
    const auto named = [&](std::string_view wanted) { return http::equals_ignoring_case(name, wanted); };
    if (name.size() >= 6 && http::equals_ignoring_case(name.substr(0, 6), "Proxy-")) return true;
    switch (name.size()) {
    case 2: return named("TE");
    case 5: return named("Proxy");
    case 7: return named("Upgrade") || named("Trailer");
    case 10: return named("Connection") || named("Keep-Alive");
    case 17: return named("Transfer-Encoding");
    default: return false;
    }
}

} // namespace

HopByHop::HopByHop(std::span<const http::Field> fields) noexcept : fields_(fields) {
    for (const http::Field& field : fields) {
        if (field.name.size() != 10 || !http::equals_ignoring_case(field.name, "Connection")) continue;
        if (http::equals_ignoring_case(field.value, "close") || http::equals_ignoring_case(field.value, "keep-alive"))
            continue;
        if (count_ == connection_.size()) {
            too_many_ = true;
            return;
        }
        connection_[count_++] = field.value;
    }
}

bool HopByHop::is_named(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < count_; ++i)
        if (http::list_contains(connection_[i], name)) return true;
    if (!too_many_) return false;
    for (const http::Field& field : fields_)
        if (http::equals_ignoring_case(field.name, "Connection") && http::list_contains(field.value, name)) return true;
    return false;
}

bool HopByHop::contains(std::string_view name) const noexcept {
    return concerns_a_connection(name) || (count_ > 0 && is_named(name));
}

} // namespace mpsup::accelerator
