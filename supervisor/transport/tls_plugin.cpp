// tls.so: TLS by OpenSSL, between two texts in memory (BIO_s_mem(3ssl)).
#include "base/fd.h"
#include "supervisor/transport/tls.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <utility>

namespace mpsup::tls {

namespace {

constexpr std::size_t largest_file = 1024 * 1024; // all authorities of a system are a quarter of that
// Mozilla's "intermediate" (wiki.mozilla.org/Security/Server_Side_TLS), without those that need DH parameters.
constexpr const char* ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

struct Deleter {
    void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
    void operator()(SSL* connection) const noexcept { ::SSL_free(connection); }
    void operator()(EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
    void operator()(X509* certificate) const noexcept { ::X509_free(certificate); }
    void operator()(BIO* text) const noexcept { ::BIO_free_all(text); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Deleter>;
using ConnectionPtr = std::unique_ptr<SSL, Deleter>;

// The last of OpenSSL's errors is the one that says most.
std::string last_error() {
    const unsigned long code = ::ERR_peek_last_error();
    ::ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
    return reason ? reason : "no reason is known";
}

std::unexpected<Error> openssl_failure(const std::string& what) { return failure(what + ": " + last_error()); }

// A key with a passphrase is refused: nobody is there to be asked.
int no_passphrase(char*, int, int, void*) { return -1; }

class OpensslSession final : public Session {
public:
    OpensslSession(std::shared_ptr<const Knows> knows, ConnectionPtr connection)
        : knows_(std::move(knows)), connection_(std::move(connection)) {
        BIO* in = ::BIO_new(::BIO_s_mem());
        BIO* out = ::BIO_new(::BIO_s_mem());
        ::SSL_set_bio(connection_.get(), in, out); // which owns them
        if (!in || !out) why_ = "out of memory";
    }

    Step handshake() override {
        if (!why_.empty()) return Step::failed;
        ::ERR_clear_error();
        return judge(::SSL_do_handshake(connection_.get()));
    }
    Step read(std::span<char> space, std::size_t& got) override {
        ::ERR_clear_error();
        return judge(::SSL_read_ex(connection_.get(), space.data(), space.size(), &got));
    }
    Step write(std::string_view text) override {
        std::size_t written = 0;
        ::ERR_clear_error();
        return text.empty() ? Step::done : judge(::SSL_write_ex(connection_.get(), text.data(), text.size(), &written));
    }
    void end() override {
        ::ERR_clear_error();
        if (why_.empty()) (void)::SSL_shutdown(connection_.get());
        ::ERR_clear_error();
    }
    void give_input(std::string_view bytes) override {
        std::size_t taken = 0;
        if (::BIO_write_ex(::SSL_get_rbio(connection_.get()), bytes.data(), bytes.size(), &taken) != 1)
            why_ = "out of memory";
    }
    std::string take_output() override {
        BIO* out = ::SSL_get_wbio(connection_.get());
        std::string output(::BIO_ctrl_pending(out), '\0');
        std::size_t taken = 0;
        if (output.empty() || ::BIO_read_ex(out, output.data(), output.size(), &taken) != 1) taken = 0;
        output.resize(taken);
        return output;
    }
    std::string why() const override { return why_; }

private:
    Step judge(int result) {
        if (result == 1) return Step::done;
        switch (::SSL_get_error(connection_.get(), result)) {
        case SSL_ERROR_WANT_READ: return why_.empty() ? Step::wants_input : Step::failed;
        case SSL_ERROR_ZERO_RETURN: return Step::ended;
        default: break;
        }
        why_ = last_error();
        if (const long verified = ::SSL_get_verify_result(connection_.get()); verified != X509_V_OK)
            why_ += std::string(": ") + ::X509_verify_cert_error_string(verified);
        return Step::failed;
    }

    std::shared_ptr<const Knows> knows_; // which the context that made this may be survived by
    ConnectionPtr connection_;
    std::string why_{};
};

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

// RFC 6066 section 3: an address is no server name.
bool expect_host(SSL* connection, const std::string& host) {
    if (is_address(host)) return ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(connection), host.c_str()) == 1;
    ::SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return ::SSL_set1_host(connection, host.c_str()) == 1 &&
           ::SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                      const_cast<char*>(host.c_str())) == 1; // SSL_set_tlsext_host_name, without its cast
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (!certificate || ::X509_digest(certificate, ::EVP_sha256(), digest.data(), &size) != 1) return {};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : std::span(digest).first(size)) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

// In place of X509_verify_cert(3ssl).
int is_known(X509_STORE_CTX* shown, void* knows) {
    const std::string fingerprint = fingerprint_of(::X509_STORE_CTX_get0_cert(shown));
    const bool is_so = !fingerprint.empty() && (*static_cast<const Knows*>(knows))(fingerprint);
    ::X509_STORE_CTX_set_error(shown, is_so ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    return is_so ? 1 : 0;
}

class OpensslContext final : public Context {
public:
    explicit OpensslContext(ContextPtr context) : context_(std::move(context)) {}

    Result<std::unique_ptr<Session>> connect(const std::string& host) override {
        ConnectionPtr connection(::SSL_new(context_.get()));
        if (!connection || !expect_host(connection.get(), host)) return openssl_failure("TLS to " + host);
        ::SSL_set_connect_state(connection.get());
        return std::make_unique<OpensslSession>(knows_, std::move(connection));
    }
    Result<std::unique_ptr<Session>> accept(const std::string& host) override {
        ConnectionPtr connection(::SSL_new(context_.get()));
        if (!connection || (!host.empty() && !expect_host(connection.get(), host)))
            return openssl_failure("TLS of a client");
        ::SSL_set_accept_state(connection.get());
        return std::make_unique<OpensslSession>(knows_, std::move(connection));
    }
    void trust(Knows knows) override {
        knows_ = std::make_shared<const Knows>(std::move(knows));
        ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        ::SSL_CTX_set_cert_verify_callback(context_.get(), is_known,
                                           const_cast<Knows*>(knows_.get())); // NOLINT: only read
    }
    std::string fingerprint() const override { return fingerprint_of(::SSL_CTX_get0_certificate(context_.get())); }

private:
    ContextPtr context_;
    std::shared_ptr<const Knows> knows_; // nothing: authorities
};

// OpenSSL opens files by name, and would wait for what is no file.
Result<> check_file(const std::string& path) {
    const auto text = read_file(path, largest_file);
    return text ? Result<>() : std::unexpected(text.error());
}

Result<> use_own(SSL_CTX* context, const Files& files) {
    if (files.certificate.empty() && files.key.empty()) return {};
    for (const std::string& path : {files.certificate, files.key})
        if (const auto checked = check_file(path); !checked) return checked;
    if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
        return openssl_failure(files.certificate + " is no certificate");
    if (::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return openssl_failure(files.key + " is no key of " + files.certificate);
    return {};
}

Result<> trust(SSL_CTX* context, const std::string& ca) {
    if (const auto checked = check_file(ca); !checked) return checked;
    if (::SSL_CTX_load_verify_file(context, ca.c_str()) != 1) return openssl_failure(ca + " has no certificate");
    return {};
}

// What both sides have in common.
Result<ContextPtr> make_context(const SSL_METHOD* method, const Files& files) {
    ::ERR_clear_error();
    ContextPtr context(::SSL_CTX_new(method));
    if (!context || ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
        ::SSL_CTX_set_cipher_list(context.get(), ciphers) != 1)
        return openssl_failure("TLS");
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
    if (const auto own = use_own(context.get(), files); !own) return std::unexpected(own.error());
    if (!files.ca.empty())
        if (const auto trusted = trust(context.get(), files.ca); !trusted) return std::unexpected(trusted.error());
    return context;
}

Result<std::unique_ptr<Context>> make_client(const Files& files) {
    auto context = make_context(::TLS_client_method(), files);
    if (!context) return std::unexpected(context.error());
    if (files.ca.empty() && ::SSL_CTX_set_default_verify_paths(context->get()) != 1)
        return openssl_failure("the authorities of this system");
    ::SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
    return std::make_unique<OpensslContext>(std::move(*context));
}

Result<std::unique_ptr<Context>> make_server(const Files& files) {
    if (files.certificate.empty()) return failure("TLS: a server needs a certificate");
    auto context = make_context(::TLS_server_method(), files);
    if (!context) return std::unexpected(context.error());
    if (::SSL_CTX_set_num_tickets(context->get(), 0) != 1) return openssl_failure("TLS");
    if (!files.ca.empty()) {
        ::SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        ::SSL_CTX_set_client_CA_list(context->get(), ::SSL_load_client_CA_file(files.ca.c_str()));
    }
    return std::make_unique<OpensslContext>(std::move(*context));
}

// RFC 5280 section 4.1.2.5: a certificate without an end is valid until the end of 9999.
bool set_content(X509* certificate, EVP_PKEY* key, const std::string& name) {
    X509_NAME* subject = ::X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str()); // NOLINT: as OpenSSL takes texts
    return ::X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1) == 1 &&
           ::ASN1_TIME_set_string_X509(::X509_getm_notBefore(certificate), "20000101000000Z") == 1 &&
           ::ASN1_TIME_set_string_X509(::X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
           ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
           ::X509_set_issuer_name(certificate, subject) == 1 && ::X509_set_pubkey(certificate, key) == 1 &&
           ::X509_sign(certificate, key, ::EVP_sha256()) > 0;
}

Result<std::string> make_key(const std::string& name) {
    ::ERR_clear_error();
    const std::unique_ptr<EVP_PKEY, Deleter> key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const std::unique_ptr<X509, Deleter> certificate(::X509_new());
    const std::unique_ptr<BIO, Deleter> out(::BIO_new(::BIO_s_mem()));
    if (!key || !certificate || !out || !set_content(certificate.get(), key.get(), name) ||
        ::PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        ::PEM_write_bio_X509(out.get(), certificate.get()) != 1)
        return openssl_failure("make a key");
    std::string text(::BIO_ctrl_pending(out.get()), '\0');
    std::size_t taken = 0;
    if (::BIO_read_ex(out.get(), text.data(), text.size(), &taken) != 1) return openssl_failure("make a key");
    return text;
}

} // namespace

} // namespace mpsup::tls

// The one name that tls.so exports.
extern "C" __attribute__((visibility("default"))) const mpsup::tls::Plugin mpsup_tls_plugin; // NOLINT
const mpsup::tls::Plugin mpsup_tls_plugin{mpsup::tls::Plugin::expected_magic,
                                          mpsup::tls::Plugin::expected_api,
                                          MPSUP_VERSION,
                                          mpsup::tls::make_client,
                                          mpsup::tls::make_server,
                                          mpsup::tls::make_key};
