#include "worker/accelerator/sent_file.h"

#include "worker/contract/routing.h"
#include "worker/http/percent.h"

#include <algorithm>

namespace mpsup::accelerator {

namespace {

// The path by which the files of a route know `file`; empty: it does not lie below their root.
std::string path_of(const contract::Files& files, std::string_view file) {
    if (files.root.empty() || !file.starts_with(files.root)) return {};
    std::string_view rest = file.substr(files.root.size());
    if (files.root.ends_with('/')) rest = file.substr(files.root.size() - 1);
    if (!rest.starts_with('/')) return {};
    return http::encode_path(files.strip_prefix + std::string(rest));
}

// Fields that describe the file as it lies there, and that only we know.
bool is_of_file(std::string_view name) noexcept {
    constexpr std::string_view names[] = {
        "Accept-Ranges", "Content-Encoding", "Content-Length", "Content-Range", "ETag", "Last-Modified", "Vary"};
    return std::ranges::any_of(names, [&](std::string_view each) { return http::equals_ignoring_case(name, each); });
}

bool try_route(http::Reply& reply, Accelerator& accelerator, std::size_t index, const http::Request& request,
               std::string_view path) {
    static_files::StaticFiles* files = accelerator.files(index);
    if (!files) return false;
    http::Request internal = request;
    internal.method = request.method == "HEAD" ? "HEAD" : "GET";
    internal.path = path.substr(0, path.find('?'));
    internal.has_query = false;
    internal.query = {};
    return files->try_answer(internal, reply);
}

bool find_file(http::Reply& reply, Accelerator& accelerator, const http::Request& request,
               const Directives& directives) {
    const contract::Front& front = accelerator.state().front();
    if (!directives.redirect.empty()) {
        const auto routing =
            contract::route(front, request.authority, directives.redirect.substr(0, directives.redirect.find('?')));
        return routing.route && try_route(reply, accelerator, routing.index, request, directives.redirect);
    }
    for (std::size_t i = 0; i < front.routes.size(); ++i) {
        const std::string path = path_of(front.routes[i].files, directives.file);
        if (!path.empty() && try_route(reply, accelerator, i, request, path)) return true;
    }
    return false;
}

} // namespace

bool fill_sent_file(http::Reply& reply, Accelerator& accelerator, const http::Request& request,
                    const ReplyFields& fields) {
    if (!find_file(reply, accelerator, request, fields.directives())) return false;
    // A part keeps the type of its frame, and the whole the type that the application named.
    const bool parts = reply.status == 206 && !reply.parts.empty();
    const auto counts = [parts](const http::Field& field) {
        return !is_of_file(field.name) && !(parts && http::equals_ignoring_case(field.name, "Content-Type"));
    };
    for (const http::Field& field : fields.fields())
        if (counts(field)) reply.set(field.name, {});
    for (const http::Field& field : fields.fields())
        if (counts(field)) reply.add(field.name, field.value);
    return true;
}

} // namespace mpsup::accelerator
