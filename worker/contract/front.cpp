#include "worker/contract/front.h"

#include "base/address.h"
#include "worker/contract/front_json.h"

#include <limits>
#include <type_traits>

namespace json = boost::json;

namespace mpsup::contract {

namespace {

constexpr std::size_t max_list = 1024;
constexpr std::int64_t max_size = std::int64_t{1} << 53U;
constexpr std::int64_t max_time = std::int64_t{1} << 40U; // also of milliseconds: 35 years
constexpr std::uint32_t max_threads = 64;

// Every struct is described once, for both directions.
template <typename T> struct Type {};

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

template <typename Each> void describe(Each& each, Type<Backend>) { each("address", &Backend::address); }

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

template <typename T> constexpr bool is_list = false;
template <typename T> constexpr bool is_list<std::vector<T>> = true;

// --- out

template <typename T> json::value to_json(const T& value);

template <typename T> struct Writer {
    const T& value;
    json::object object{};
    T usual{};

    template <typename Member> void operator()(std::string_view key, Member T::* member) {
        if (value.*member != usual.*member) object.emplace(key, to_json(value.*member));
    }
};

template <typename T> json::array list_to_json(const std::vector<T>& list) {
    json::array array;
    for (const T& item : list) array.push_back(to_json(item));
    return array;
}

template <typename T> json::value to_json(const T& value) {
    if constexpr (std::is_enum_v<T>) {
        for (const auto& [known, word] : words_of(value))
            if (known == value) return json::string(word);
        return nullptr;
    } else if constexpr (std::is_same_v<T, bool>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<std::int64_t>(value);
    } else if constexpr (std::is_same_v<T, Milliseconds> || std::is_same_v<T, Seconds>) {
        return static_cast<std::int64_t>(value.count());
    } else if constexpr (std::is_same_v<T, std::string>) {
        return json::string(value);
    } else if constexpr (std::is_same_v<T, PathPattern>) {
        return json::string(value.text);
    } else if constexpr (std::is_same_v<T, Cidr>) {
        return json::string(value.text());
    } else if constexpr (std::is_same_v<T, std::pair<std::string, std::string>>) {
        return json::array{value.first, value.second};
    } else if constexpr (is_list<T>) {
        return list_to_json(value);
    } else {
        Writer<T> writer{value};
        describe(writer, Type<T>{});
        return std::move(writer.object);
    }
}

// --- in

class Problem {
public:
    [[nodiscard]] const std::string& text() const { return text_; }
    void bad(std::string_view key) {
        if (text_.empty()) text_ = "bad \"" + std::string(key.substr(0, 40)) + "\"";
    }

private:
    std::string text_;
};

void read(std::string_view key, const json::value& in, bool& value, Problem& problem) {
    if (const bool* flag = in.if_bool())
        value = *flag;
    else
        problem.bad(key);
}

std::int64_t read_number(std::string_view key, const json::value& in, std::int64_t most, Problem& problem) {
    const std::int64_t* number = in.if_int64();
    if (number && *number >= 0 && *number <= most) return *number;
    problem.bad(key);
    return 0;
}

void read(std::string_view key, const json::value& in, std::uint64_t& value, Problem& problem) {
    value = static_cast<std::uint64_t>(read_number(key, in, max_size, problem));
}
void read(std::string_view key, const json::value& in, std::uint32_t& value, Problem& problem) {
    value = static_cast<std::uint32_t>(read_number(key, in, std::numeric_limits<std::int32_t>::max(), problem));
}
void read(std::string_view key, const json::value& in, Milliseconds& value, Problem& problem) {
    value = Milliseconds(read_number(key, in, max_time, problem));
}
void read(std::string_view key, const json::value& in, Seconds& value, Problem& problem) {
    value = Seconds(read_number(key, in, max_time, problem));
}

void read(std::string_view key, const json::value& in, std::string& value, Problem& problem) {
    const json::string* text = in.if_string();
    if (text && text->find('\0') == json::string::npos)
        value = *text;
    else
        problem.bad(key);
}

template <typename T> void read_parsed(std::string_view key, const json::value& in, T& value, Problem& problem) {
    std::string text;
    read(key, in, text, problem);
    if (auto parsed = T::parse(text))
        value = std::move(*parsed);
    else
        problem.bad(key);
}
void read(std::string_view key, const json::value& in, PathPattern& value, Problem& problem) {
    read_parsed(key, in, value, problem);
}
void read(std::string_view key, const json::value& in, Cidr& value, Problem& problem) {
    read_parsed(key, in, value, problem);
}

template <typename Enum>
    requires std::is_enum_v<Enum>
void read(std::string_view key, const json::value& in, Enum& value, Problem& problem) {
    const json::string* text = in.if_string();
    for (const auto& [known, word] : words_of(value))
        if (text && *text == word) return void(value = known);
    problem.bad(key);
}

void read(std::string_view key, const json::value& in, std::pair<std::string, std::string>& value, Problem& problem) {
    const json::array* array = in.if_array();
    if (!array || array->size() != 2) return problem.bad(key);
    read(key, (*array)[0], value.first, problem);
    read(key, (*array)[1], value.second, problem);
}

template <typename T>
    requires std::is_class_v<T> && std::is_aggregate_v<T>
void read(std::string_view key, const json::value& in, T& value, Problem& problem);

template <typename T> void read(std::string_view key, const json::value& in, std::vector<T>& value, Problem& problem) {
    const json::array* array = in.if_array();
    if (!array || array->size() > max_list) return problem.bad(key);
    value.clear();
    for (const json::value& item : *array) read(key, item, value.emplace_back(), problem);
}

template <typename T> struct MemberReader {
    T& value;
    const json::object& object;
    Problem& problem;
    std::size_t known = 0;

    template <typename Member> void operator()(std::string_view key, Member T::* member) {
        const json::value* found = object.if_contains(key);
        if (!found) return;
        ++known;
        read(key, *found, value.*member, problem);
    }
};

template <typename T>
    requires std::is_class_v<T> && std::is_aggregate_v<T>
void read(std::string_view key, const json::value& in, T& value, Problem& problem) {
    const json::object* object = in.if_object();
    if (!object) return problem.bad(key);
    MemberReader<T> reader{value, *object, problem};
    describe(reader, Type<T>{});
    if (reader.known != object->size()) problem.bad(key);
}

// --- what must hold besides

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
        if (!is_address(backend.address)) return "address";
    if (!route.pool.empty() && route.backends.size() != 1) return "pool";
    if (!is_prefix(route.strip_prefix)) return "strip_prefix";
    if (!route.error_pages.empty() && !is_absolute(route.error_pages)) return "error_pages";
    return nullptr;
}

const char* what_is_wrong(const Front& front) {
    if (front.routes.size() > max_routes) return "routes";
    for (const Route& route : front.routes)
        if (const char* key = what_is_wrong(route)) return key;
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

template <typename T> Result<T> from_json(std::string_view name, const json::value& value) {
    T result;
    Problem problem;
    read(name, value, result, problem);
    if (problem.text().empty())
        if (const char* key = what_is_wrong(result)) problem.bad(key);
    if (!problem.text().empty()) return failure(std::string(name) + ": " + problem.text());
    return result;
}

} // namespace

json::value to_json(const Front& front) { return to_json<Front>(front); }
json::value to_json(const Files& files) { return to_json<Files>(files); }
Result<Front> front_from_json(const json::value& value) { return from_json<Front>("front", value); }
Result<Files> files_from_json(const json::value& value) { return from_json<Files>("files", value); }

std::string encode_front(const Front& front) { return json::serialize(to_json(front)); }

Result<Front> decode_front(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(text, error); // at most 32 levels deep by default
    if (error) return failure("front is not JSON: " + error.message());
    return front_from_json(value);
}

} // namespace mpsup::contract
