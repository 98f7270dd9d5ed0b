#include "worker/contract/front.h"

#include "base/address.h"
#include "worker/contract/described_json.h"
#include "worker/contract/front_json.h"

#include <algorithm>

namespace json = boost::json;

namespace mpsup::contract {

template <typename Each> void describe(Each& each, Type<ExpiresRule>) {
    each("path", &ExpiresRule::path);
    each("max_age_s", &ExpiresRule::max_age);
    each("kind", &ExpiresRule::kind);
}

template <typename Each> void describe(Each& each, Type<Files>) {
    each("root", &Files::root);
    each("strip_prefix", &Files::strip_prefix);
    each("serves", &Files::serves);
    each("index", &Files::index);
    each("expires", &Files::expires);
    each("fingerprinted", &Files::fingerprinted);
    each("compress", &Files::compress);
    each("precompressed", &Files::precompressed);
    each("symlinks", &Files::symlinks);
    each("listing", &Files::listing);
    each("types", &Files::types);
    each("try_file", &Files::try_file);
}

template <typename Each> void describe(Each& each, Type<UpstreamTls>) {
    each("ca", &UpstreamTls::ca);
    each("cert", &UpstreamTls::cert);
    each("key", &UpstreamTls::key);
    each("name", &UpstreamTls::name);
}

template <typename Each> void describe(Each& each, Type<Backend>) {
    each("address", &Backend::address);
    each("tls", &Backend::tls);
}

template <typename Each> void describe(Each& each, Type<CacheRule>) {
    each("on", &CacheRule::on);
    each("default_ttl_s", &CacheRule::default_ttl);
    each("stale_while_revalidate_s", &CacheRule::stale_while_revalidate);
    each("stale_if_error_s", &CacheRule::stale_if_error);
    each("max_object", &CacheRule::max_object);
    each("wait_ms", &CacheRule::wait);
    each("ignore_query", &CacheRule::ignore_query);
}

template <typename Each> void describe(Each& each, Type<BufferRule>) {
    each("request", &BufferRule::request);
    each("memory", &BufferRule::memory);
    each("disk", &BufferRule::disk);
}

template <typename Each> void describe(Each& each, Type<QueueRule>) {
    each("length", &QueueRule::length);
    each("timeout_ms", &QueueRule::timeout);
    each("target_ms", &QueueRule::target);
}

template <typename Each> void describe(Each& each, Type<Timeouts>) {
    each("connect_ms", &Timeouts::connect);
    each("response_ms", &Timeouts::response);
    each("idle_ms", &Timeouts::idle);
    each("tunnel_ms", &Timeouts::tunnel);
}

template <typename Each> void describe(Each& each, Type<BackendRule>) {
    each("check_path", &BackendRule::check_path);
    each("check_every_ms", &BackendRule::check_every);
    each("check_timeout_ms", &BackendRule::check_timeout);
    each("eject_after", &BackendRule::eject_after);
    each("eject_for_ms", &BackendRule::eject_for);
    each("slow_start_ms", &BackendRule::slow_start);
}

template <typename Each> void describe(Each& each, Type<Route>) {
    each("host", &Route::host);
    each("path", &Route::path);
    each("target", &Route::target);
    each("internal", &Route::internal);
    each("files", &Route::files);
    each("backends", &Route::backends);
    each("pool", &Route::pool);
    each("strip_prefix", &Route::strip_prefix);
    each("retry", &Route::retry);
    each("cache", &Route::cache);
    each("buffer", &Route::buffer);
    each("queue", &Route::queue);
    each("timeouts", &Route::timeouts);
    each("health", &Route::health);
    each("request_headers", &Route::request_headers);
    each("headers", &Route::headers);
    each("error_pages", &Route::error_pages);
}

template <typename Each> void describe(Each& each, Type<FrontListener>) {
    each("address", &FrontListener::address);
    each("tls", &FrontListener::tls);
    each("proxy_protocol", &FrontListener::proxy_protocol);
}

template <typename Each> void describe(Each& each, Type<Certificate>) {
    each("cert", &Certificate::cert);
    each("key", &Certificate::key);
}

template <typename Each> void describe(Each& each, Type<GuardLimits>) {
    each("connections", &GuardLimits::connections);
    each("per_address", &GuardLimits::per_address);
    each("rate", &GuardLimits::rate);
    each("burst", &GuardLimits::burst);
    each("body", &GuardLimits::body);
}

template <typename Each> void describe(Each& each, Type<Front>) {
    each("routes", &Front::routes);
    each("listeners", &Front::listeners);
    each("threads", &Front::threads);
    each("cache_memory", &Front::cache_memory);
    each("cache_disk", &Front::cache_disk);
    each("cache_folder", &Front::cache_folder);
    each("buffer", &Front::buffer);
    each("buffer_folder", &Front::buffer_folder);
    each("certificates", &Front::certificates);
    each("tls13_only", &Front::tls13_only);
    each("client_ca", &Front::client_ca);
    each("upstream_tls", &Front::upstream_tls);
    each("trusted_proxies", &Front::trusted_proxies);
    each("limits", &Front::limits);
    each("quarantine_deaths", &Front::quarantine_deaths);
    each("quarantine_for_ms", &Front::quarantine_for);
    each("log_json", &Front::log_json);
    each("error_pages", &Front::error_pages);
    each("maintenance", &Front::maintenance);
}

constexpr std::pair<Symlinks, std::string_view> symlink_words[] = {
    {Symlinks::inside, "inside"}, {Symlinks::owner, "owner"}, {Symlinks::off, "off"}, {Symlinks::anywhere, "anywhere"}};
constexpr std::pair<ExpiresRule::Kind, std::string_view> expires_words[] = {{ExpiresRule::Kind::max_age, "max_age"},
                                                                            {ExpiresRule::Kind::immutable, "immutable"},
                                                                            {ExpiresRule::Kind::off, "off"}};
constexpr std::pair<Route::Target, std::string_view> target_words[] = {{Route::Target::files, "files"},
                                                                       {Route::Target::upstream, "upstream"}};
constexpr auto& words_of(Symlinks) { return symlink_words; }
constexpr auto& words_of(ExpiresRule::Kind) { return expires_words; }
constexpr auto& words_of(Route::Target) { return target_words; }

namespace {

constexpr std::uint32_t max_threads = 64;

bool is_absolute(std::string_view path) { return path.starts_with('/'); }
bool is_prefix(std::string_view text) {
    return text.empty() || (text.starts_with('/') && text.size() > 1 && !text.ends_with('/'));
}
bool is_address(const std::string& text) { return text.starts_with("unix:/") || Address::parse(text).has_value(); }

const char* what_is_wrong(const Files& files) {
    if (!files.root.empty() && !is_absolute(files.root)) return "root";
    return is_prefix(files.strip_prefix) ? nullptr : "strip_prefix";
}

const char* what_is_wrong(const Route& route) {
    if (route.target == Route::Target::files && route.files.root.empty()) return "root";
    if (const char* key = what_is_wrong(route.files)) return key;
    if (route.target == Route::Target::upstream && route.backends.empty()) return "backends";
    for (const Backend& backend : route.backends)
        if (!is_address(backend.address) || (backend.tls > 0 && backend.address.starts_with("unix:"))) return "address";
    for (std::size_t i = 1; i < route.backends.size(); ++i)
        if (route.backends[i].address.starts_with("unix:")) return "backends";
    if (!route.pool.empty() && (route.backends.empty() || !route.backends.front().address.starts_with("unix:")))
        return "pool";
    if (!is_prefix(route.strip_prefix)) return "strip_prefix";
    if (!route.error_pages.empty() && !is_absolute(route.error_pages)) return "error_pages";
    return nullptr;
}

bool is_whole(const UpstreamTls& tls) {
    const bool has_pair = !tls.cert.empty() || !tls.key.empty();
    return is_absolute(tls.ca) && (!has_pair || (is_absolute(tls.cert) && is_absolute(tls.key)));
}

const char* what_is_wrong(const Front& front) {
    if (front.routes.size() > max_routes) return "routes";
    for (const Route& route : front.routes) {
        if (const char* key = what_is_wrong(route)) return key;
        for (const Backend& backend : route.backends)
            if (backend.tls > front.upstream_tls.size()) return "tls";
    }
    if (!std::ranges::all_of(front.upstream_tls, is_whole)) return "upstream_tls";
    if (!front.client_ca.empty() && !is_absolute(front.client_ca)) return "client_ca";
    for (const FrontListener& listener : front.listeners)
        if (!Address::parse(listener.address)) return "address";
    for (const Certificate& pair : front.certificates)
        if (!is_absolute(pair.cert) || !is_absolute(pair.key)) return "certificates";
    if (front.threads < 1 || front.threads > max_threads) return "threads";
    for (const std::string* folder : {&front.cache_folder, &front.buffer_folder, &front.error_pages})
        if (!folder->empty() && !is_absolute(*folder)) return "folder";
    if (front.cache_disk > 0 && front.cache_folder.empty()) return "cache_folder";
    return nullptr;
}

template <typename T> Result<T> checked(std::string_view name, const json::value& value) {
    auto result = from_json<T>(name, value);
    if (result)
        if (const char* key = what_is_wrong(*result)) return failure(std::string(name) + ": bad \"" + key + "\"");
    return result;
}

} // namespace

json::value to_json(const Front& front) { return to_json<Front>(front); }
json::value to_json(const Files& files) { return to_json<Files>(files); }
Result<Front> front_from_json(const json::value& value) { return checked<Front>("front", value); }
Result<Files> files_from_json(const json::value& value) { return checked<Files>("files", value); }

std::string encode_front(const Front& front) { return json::serialize(to_json(front)); }

Result<Front> decode_front(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(text, error); // at most 32 levels deep by default
    if (error) return failure("front is not JSON: " + error.message());
    return front_from_json(value);
}

} // namespace mpsup::contract
