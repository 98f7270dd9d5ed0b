#include "worker/http/tls_keeper.h"

#include "worker/http/error_log.h"
#include "worker/http/tls_certificate.h"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace mpsup::http {

/// What a connection is served from. Never changes; replaced as a whole.
struct TlsKeeper::Table {
    bool strict_names = false;
    std::string protocols; // as ALPN writes lists
    std::shared_ptr<TicketKeys> tickets;
    std::vector<std::shared_ptr<const TlsCertificate>> certificates;

    /// The first with that name as it is, the first with a wildcard for it, or nothing.
    [[nodiscard]] const TlsCertificate* find(std::string_view name) const noexcept {
        for (const bool wildcard : {false, true})
            for (const auto& certificate : certificates)
                if (certificate->answers_for(name, wildcard)) return certificate.get();
        return nullptr;
    }
};

namespace {

// The table hangs on the connection, so that it is there as long as the connection is.
using TableHolder = std::shared_ptr<const TlsKeeper::Table>;

void free_table(void*, void* holder, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TableHolder*>(holder); }

int table_index() {
    static const int index = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_table);
    return index;
}

int certificate_index() {
    static const int index = ::SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

const TlsKeeper::Table& table_of(SSL* connection) {
    return **static_cast<const TableHolder*>(::SSL_get_ex_data(connection, table_index()));
}

// RFC 6066 section 3: a list with one name of type host_name. Empty: none, or none that can be read.
std::string_view requested_name(SSL* connection) {
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    if (::SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_server_name, &bytes, &size) != 1 || size < 5) return {};
    const auto number = [&](std::size_t at) { return static_cast<std::size_t>(bytes[at] << 8U | bytes[at + 1]); };
    if (number(0) != size - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name || number(3) > size - 5) return {};
    return {reinterpret_cast<const char*>(bytes) + 5, number(3)};
}

// Before anything of the handshake is decided, tickets included.
int choose_certificate(SSL* connection, int* alert, void*) {
    const TlsKeeper::Table& table = table_of(connection);
    const TlsCertificate* found = table.find(requested_name(connection));
    if (!found && table.strict_names) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (!found) found = table.certificates.front().get();
    ::SSL_set_SSL_CTX(connection, found->context());
    return SSL_CLIENT_HELLO_SUCCESS;
}

int choose_protocol(SSL* connection, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void*) {
    const std::string& ours = table_of(connection).protocols;
    unsigned char* chosen = nullptr;
    if (::SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                static_cast<unsigned>(ours.size()), in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// AES-256-CBC and HMAC-SHA-256, as RFC 5077 section 4 recommends.
int use_ticket_key(SSL* connection, unsigned char* id, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int making) {
    const auto* certificate =
        static_cast<const TlsCertificate*>(::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(connection), certificate_index()));
    if (!certificate) return -1;
    TicketKeys& tickets = *table_of(connection).tickets;
    const auto now = std::chrono::steady_clock::now();
    const std::span<const unsigned char, 16> wanted(id, 16);
    const auto key =
        making ? tickets.current(certificate->name(), now) : tickets.find(certificate->name(), wanted, now);
    if (!key) return making ? -1 : 0; // an unknown ticket: a whole handshake
    if (making) {
        std::copy(key->id.begin(), key->id.end(), id);
        if (::RAND_bytes(iv, ::EVP_CIPHER_get_iv_length(::EVP_aes_256_cbc())) != 1) return -1;
    }
    char digest[] = "SHA256";
    auto mac_key = key->mac;
    const OSSL_PARAM parameters[] = {
        ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
        ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), ::OSSL_PARAM_construct_end()};
    if (::EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
    if (::EVP_CipherInit_ex(cipher, ::EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, making) != 1) return -1;
    return key->old ? 2 : 1;
}

void prepare(const TlsCertificate& certificate) {
    SSL_CTX* context = certificate.context();
    ::SSL_CTX_set_ex_data(context, certificate_index(), const_cast<TlsCertificate*>(&certificate));
    ::SSL_CTX_set_client_hello_cb(context, choose_certificate, nullptr);
    ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
}

} // namespace

void OpensslDeleter::operator()(ssl_ctx_st* context) const noexcept { ::SSL_CTX_free(context); }
void OpensslDeleter::operator()(ssl_st* connection) const noexcept { ::SSL_free(connection); }

TlsKeeper::TlsKeeper(TlsOptions options)
    : options_(std::move(options)), tickets_(std::make_shared<TicketKeys>(options_.ticket_age)) {}
TlsKeeper::~TlsKeeper() = default;

Result<std::shared_ptr<TlsKeeper>> TlsKeeper::open(TlsOptions options) {
    if (options.pairs.empty()) return failure("TLS needs a certificate");
    std::shared_ptr<TlsKeeper> keeper(new TlsKeeper(std::move(options)));
    std::vector<std::string> files{keeper->options_.client_authority};
    for (const CertificatePair& pair : keeper->options_.pairs) files.insert(files.end(), {pair.certificate, pair.key});
    keeper->watch_folders_of(files); // first, so that no change is missed
    if (auto loaded = keeper->reload(); !loaded) return std::unexpected(loaded.error());
    return keeper;
}

Result<> TlsKeeper::reload() {
    auto table = std::make_shared<Table>();
    table->strict_names = options_.strict_names;
    table->tickets = tickets_;
    for (const std::string& protocol : options_.protocols)
        table->protocols += static_cast<char>(std::min<std::size_t>(protocol.size(), 255)) + protocol.substr(0, 255);
    Result<> outcome;
    for (std::size_t i = 0; i < options_.pairs.size(); ++i) {
        auto loaded = TlsCertificate::load(
            options_.pairs[i], {.tls13_only = options_.tls13_only, .client_authority = options_.client_authority});
        if (loaded && (*loaded)->expired()) {
            Error expired{"the certificate " + options_.pairs[i].certificate + " has expired", {}};
            if (table_)
                loaded = std::unexpected(std::move(expired));
            else
                log_error(Severity::warning, expired.to_string());
        }
        if (loaded) {
            prepare(**loaded);
            table->certificates.push_back(std::move(*loaded));
        } else {
            if (outcome) outcome = std::unexpected(loaded.error());
            if (!table_) return outcome;
            table->certificates.push_back(table_->certificates[i]);
        }
    }
    const std::scoped_lock lock(mutex_);
    table_ = std::move(table);
    return outcome;
}

TlsConnection TlsKeeper::connect() const {
    auto holder = [this] {
        const std::scoped_lock lock(mutex_);
        return std::make_unique<TableHolder>(table_);
    }();
    TlsConnection connection(::SSL_new((*holder)->certificates.front()->context()));
    if (!connection || ::SSL_set_ex_data(connection.get(), table_index(), holder.get()) != 1) return {};
    static_cast<void>(holder.release()); // freed with the connection
    ::SSL_set_accept_state(connection.get());
    return connection;
}

} // namespace mpsup::http
