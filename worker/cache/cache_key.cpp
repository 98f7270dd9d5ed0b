#include "worker/cache/cache_key.h"

#include "worker/cache/field_list.h"
#include "worker/http/target.h"

namespace mpsup::cache {

namespace {

std::string_view without_default_port(std::string_view scheme, std::string_view authority) noexcept {
    const std::string_view port = scheme == "https" ? ":443" : ":80";
    if (authority.ends_with(port))
        authority.remove_suffix(port.size());
    else if (authority.ends_with(':'))
        authority.remove_suffix(1);
    return authority;
}

} // namespace

CacheKey::CacheKey(std::string_view scheme, std::string_view authority, std::string_view path, std::string_view query,
                   bool has_query) {
    authority = without_default_port(scheme, authority);
    origin_ = scheme.size() + 3 + authority.size();
    size_ = origin_ + path.size() + (has_query ? 1 + query.size() : 0);
    char* out = short_.data();
    if (size_ > short_.size()) {
        long_.resize(size_);
        out = long_.data();
    }
    const auto put = [&out](std::string_view text) { out += text.copy(out, text.size()); };
    put(scheme);
    put("://");
    for (const char c : authority) *out++ = lower(c);
    put(path);
    if (has_query) {
        put("?");
        put(query);
    }
}

CacheKey CacheKey::of_url(std::string_view url) {
    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos) return {};
    const bool https = http::equals_ignoring_case(url.substr(0, colon), "https");
    if (!https && !http::equals_ignoring_case(url.substr(0, colon), "http")) return {};
    std::string_view rest = url.substr(colon + 3);
    rest = rest.substr(0, rest.find('#'));
    const std::size_t end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    if (!http::is_valid_authority(authority)) return {};
    rest.remove_prefix(authority.size());
    const std::size_t question = rest.find('?');
    const std::string_view path = rest.substr(0, question);
    const bool has_query = question != std::string_view::npos;
    return {https ? "https" : "http", authority, path.empty() ? "/" : path,
            has_query ? rest.substr(question + 1) : std::string_view(), has_query};
}

} // namespace mpsup::cache
