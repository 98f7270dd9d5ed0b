#include "worker/accelerator/route_headers.h"

namespace mpsup::accelerator {

void apply_headers(http::Reply& reply, const contract::TextPairs& headers) {
    for (const auto& [name, value] : headers) reply.set(name, value);
}

void apply_headers(std::vector<http::Field>& fields, const contract::TextPairs& headers) {
    for (const auto& [name, value] : headers) set_field(fields, name, value);
}

void set_field(std::vector<http::Field>& fields, std::string_view name, std::string_view value) {
    std::erase_if(fields, [&](const http::Field& field) { return http::equals_ignoring_case(field.name, name); });
    if (!value.empty()) fields.push_back({name, value});
}

} // namespace mpsup::accelerator
