#include "worker/accelerator/ignored_query.h"

#include <algorithm>
#include <utility>

namespace mpsup::accelerator {

namespace {

// Many applications take `;` for `&`: what stands behind one is another parameter.
bool is_named(std::string_view parameter, std::span<const std::string> names) noexcept {
    if (parameter.contains(';')) return false;
    const std::string_view name = parameter.substr(0, parameter.find('='));
    return std::ranges::any_of(names, [&](std::string_view each) {
        if (each.ends_with('*')) return name.starts_with(each.substr(0, each.size() - 1));
        return name == each;
    });
}

} // namespace

std::string without_parameters(std::string_view query, std::span<const std::string> names) {
    std::string kept;
    bool first = true;
    for (bool more = true; more;) {
        const std::size_t end = query.find('&');
        const std::string_view parameter = query.substr(0, end);
        more = end != std::string_view::npos;
        if (more) query.remove_prefix(end + 1);
        if (is_named(parameter, names)) continue;
        if (!std::exchange(first, false)) kept += '&';
        kept += parameter;
    }
    return kept;
}

} // namespace mpsup::accelerator
