#include "worker/perl/psgi_env.h"

#include "worker/perl/psgi_input.h"

namespace mpsup::perl {

namespace {

constexpr std::string_view prefix = "HTTP_";
constexpr std::size_t longest_key = 512; // of a field's name; longer ones are left out

constexpr IV buckets = 64; // for twice as many keys as a browser's request makes: the hash is never split again

// A key that every environment has. Its hash is worked out once; it differs from process to process.
struct Key {
    std::string_view text;
    U32 hash = 0;
};
struct Keys {
    Key method{"REQUEST_METHOD"}, path{"PATH_INFO"}, query{"QUERY_STRING"}, protocol{"SERVER_PROTOCOL"};
    Key server_name{"SERVER_NAME"}, server_port{"SERVER_PORT"}, remote_address{"REMOTE_ADDR"};
    Key remote_port{"REMOTE_PORT"}, host{"HTTP_HOST"}, uri{"REQUEST_URI"};
    Key errors{"psgi.errors"}, input{"psgi.input"}, cleanup_handlers{"psgix.cleanup.handlers"}, io{"psgix.io"};
};
Keys keys;

void hash_keys(pTHX) {
    for (Key* key : {&keys.method, &keys.path, &keys.query, &keys.protocol, &keys.server_name, &keys.server_port,
                     &keys.remote_address, &keys.remote_port, &keys.host, &keys.uri, &keys.errors, &keys.input,
                     &keys.cleanup_handlers, &keys.io})
        PERL_HASH(key->hash, key->text.data(), key->text.size());
    PERL_UNUSED_CONTEXT;
}

void put(pTHX_ HV* env, const Key& key, SV* value) {
    (void)hv_store(env, key.text.data(), static_cast<I32>(key.text.size()), value, key.hash);
}

void put(pTHX_ HV* env, const Key& key, std::string_view value) {
    put(aTHX_ env, key, newSVpvn(value.empty() ? "" : value.data(), value.size())); // of a null pointer it is undef
}

// HTTP_ACCEPT_LANGUAGE of Accept-Language. Repeated fields are joined as their grammar wants it: cookies by "; ", lists
// by ", " (RFC 9110 section 5.3, RFC 9113 section 8.2.3).
void put_field(pTHX_ HV* env, const http::Field& field) {
    char key[longest_key];
    if (field.name.size() + prefix.size() > longest_key) return;
    std::memcpy(key, prefix.data(), prefix.size());
    std::size_t size = prefix.size();
    for (const char c : field.name) key[size++] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    SV** slot = hv_fetch(env, key, static_cast<I32>(size), 1);
    if (!slot) return;
    if (SvOK(*slot)) {
        const bool is_cookie = std::string_view(key, size) == "HTTP_COOKIE";
        sv_catpvn(*slot, is_cookie ? "; " : ", ", 2);
        sv_catpvn(*slot, field.value.data(), field.value.size());
    } else {
        sv_setpvn(*slot, field.value.data(), field.value.size());
    }
}

// Fields that have a key of their own, mean nothing once the content has arrived whole, or are for us alone.
bool is_special(std::string_view name) {
    return http::equals_ignoring_case(name, "mpsup-client-port") || http::equals_ignoring_case(name, "content-type") ||
           http::equals_ignoring_case(name, "content-length") ||
           http::equals_ignoring_case(name, "transfer-encoding") || http::equals_ignoring_case(name, "host");
}

void put_content(pTHX_ HV* env, const RequestInput& input) {
    if (const auto type = input.request.find("content-type"))
        (void)hv_stores(env, "CONTENT_TYPE", newSVpvn(type->data(), type->size()));
    if (input.request.framing != http::Framing::none || input.request.find("content-length"))
        (void)hv_stores(env, "CONTENT_LENGTH", newSVpvf("%" UVuf, static_cast<UV>(input.body_size)));
}

void put_request_uri(pTHX_ HV* env, const http::Request& request) {
    SV* uri = newSVpvn(request.path.data(), request.path.size());
    if (request.has_query) {
        sv_catpvs(uri, "?");
        sv_catpvn(uri, request.query.data(), request.query.size());
    }
    put(aTHX_ env, keys.uri, uri);
}

void put_function(pTHX_ HV* env, std::string_view key, const char* name) {
    if (CV* code = get_cv(name, 0))
        (void)hv_store(env, key.data(), static_cast<I32>(key.size()), newRV_inc(reinterpret_cast<SV*>(code)), 0);
}

// What the worker was told of the servers of the site.
void put_url(pTHX_ HV* env, std::string_view key, const char* variable) {
    if (const char* url = ::getenv(variable))
        (void)hv_store(env, key.data(), static_cast<I32>(key.size()), newSVpv(url, 0), 0);
}

} // namespace

HV* make_env_template(pTHX) {
    hash_keys(aTHX);
    HV* env = newHV();
    hv_ksplit(env, buckets);
    AV* version = newAV();
    av_push(version, newSViv(1));
    av_push(version, newSViv(1));
    (void)hv_stores(env, "psgi.version", newRV_noinc(reinterpret_cast<SV*>(version)));
    (void)hv_stores(env, "psgi.url_scheme", newSVpvs("http"));
    (void)hv_stores(env, "psgi.multithread", newSViv(0));
    (void)hv_stores(env, "psgi.multiprocess", newSViv(1));
    (void)hv_stores(env, "psgi.run_once", newSViv(0));
    (void)hv_stores(env, "psgi.nonblocking", newSViv(0));
    (void)hv_stores(env, "psgi.streaming", newSViv(1));
    (void)hv_stores(env, "psgix.input.buffered", newSViv(1));
    (void)hv_stores(env, "psgix.cleanup", newSViv(1));
    (void)hv_stores(env, "psgix.harakiri", newSViv(1));
    (void)hv_stores(env, "psgix.harakiri.commit", newSVpvs(""));
    put_function(aTHX_ env, "psgix.logger", "Mpsup::PSGI::log_message");
    put_function(aTHX_ env, "psgix.informational", "Mpsup::PSGI::inform");
    put_url(aTHX_ env, "mpsup.url.static", "MPSUP_STATIC_URL");
    put_url(aTHX_ env, "mpsup.url.dynamic", "MPSUP_DYNAMIC_URL");
    (void)hv_stores(env, "SCRIPT_NAME", newSVpvs(""));
    return env;
}

SV* make_env(pTHX_ Exchange& exchange) {
    const RequestInput& input = *exchange.input;
    const http::Request& request = input.request;
    HV* env = newHVhv(exchange.env_template);               // values are copied: the application may assign to each
    exchange.env = newRV_noinc(reinterpret_cast<SV*>(env)); // at once: what dies below leaks nothing
    put(aTHX_ env, keys.method, request.method);
    put(aTHX_ env, keys.path, input.path);
    put(aTHX_ env, keys.query, request.query);
    put(aTHX_ env, keys.protocol, request.minor_version == 1 ? "HTTP/1.1" : "HTTP/1.0");
    put(aTHX_ env, keys.server_name, input.server_name);
    put(aTHX_ env, keys.server_port, input.server_port);
    put(aTHX_ env, keys.remote_address, input.remote_address);
    if (!input.remote_port.empty()) put(aTHX_ env, keys.remote_port, input.remote_port);
    if (!request.authority.empty()) put(aTHX_ env, keys.host, request.authority);
    put_request_uri(aTHX_ env, request);
    if (input.is_secure) (void)hv_stores(env, "psgi.url_scheme", newSVpvs("https"));
    put_content(aTHX_ env, input);
    for (const http::Field& field : request.fields)
        if (!is_special(field.name)) put_field(aTHX_ env, field);
    put(aTHX_ env, keys.errors, newRV_inc(reinterpret_cast<SV*>(PL_stderrgv)));
    put(aTHX_ env, keys.input, exchange.inputs.take(aTHX_ input));
    put(aTHX_ env, keys.cleanup_handlers, newRV_noinc(reinterpret_cast<SV*>(newAV())));
    put(aTHX_ env, keys.io, exchange.connections.take(aTHX_ exchange.serial));
    return exchange.env;
}

} // namespace mpsup::perl
