#include "worker/accelerator/owned_request.h"

namespace mpsup::accelerator {

std::unique_ptr<OwnedRequest> OwnedRequest::copy(const http::Request& request) {
    auto owned = std::make_unique<OwnedRequest>();
    owned->request = request;
    http::Request& made = owned->request;
    std::size_t size = 0;
    const auto each = [&made](auto&& visit) {
        for (std::string_view* part :
             {&made.line, &made.method, &made.target, &made.path, &made.query, &made.authority})
            visit(*part);
        for (http::Field& field : made.fields) {
            visit(field.name);
            visit(field.value);
        }
    };
    each([&](std::string_view& part) { size += part.size(); });
    owned->text.reserve(size);
    each([&](std::string_view& part) {
        const std::size_t at = owned->text.size();
        owned->text += part;
        part = std::string_view(owned->text.data() + at, part.size());
    });
    return owned;
}

} // namespace mpsup::accelerator
