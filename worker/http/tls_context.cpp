#include "worker/http/tls_context.h"

#include <array>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace mpsup::http {

namespace {

// Mozilla's "intermediate" (wiki.mozilla.org/Security/Server_Side_TLS), without those that need DH parameters.
constexpr const char* ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* groups = "X25519:P-256:P-384";

// A key of the same kind that is another's is found while it is read.
PairPart part_of_key_failure() {
    const int reason = ERR_GET_REASON(::ERR_peek_last_error());
    const bool is_x509 = ERR_GET_LIB(::ERR_peek_last_error()) == ERR_LIB_X509;
    return is_x509 && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) ? PairPart::match
                                                                                                   : PairPart::key;
}

// A key with a passphrase is refused: nobody is there to be asked.
int no_passphrase(char*, int, int, void*) { return -1; }

} // namespace

std::unexpected<Error> tls_failure(std::string what) {
    const unsigned long code = ::ERR_get_error();
    ::ERR_clear_error();
    if (code != 0) {
        std::array<char, 256> text{};
        ::ERR_error_string_n(code, text.data(), text.size());
        what += std::string(": ") + text.data();
    }
    return failure(std::move(what));
}

bool set_up_tls(SSL_CTX* context, bool tls13_only) {
    ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_set_mode(context,
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return ::SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
           ::SSL_CTX_set_cipher_list(context, ciphers) == 1 && ::SSL_CTX_set1_groups_list(context, groups) == 1;
}

Result<> use_pair(SSL_CTX* context, const CertificatePair& pair, PairPart* culprit) {
    PairPart unheard = PairPart::none;
    PairPart& part = culprit ? *culprit : unheard;
    ::ERR_clear_error();
    part = PairPart::certificate;
    if (::SSL_CTX_use_certificate_chain_file(context, pair.certificate.c_str()) != 1)
        return tls_failure("read the certificate " + pair.certificate);
    if (::SSL_CTX_use_PrivateKey_file(context, pair.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        part = part_of_key_failure();
        return tls_failure("read the private key " + pair.key);
    }
    part = PairPart::match;
    if (::SSL_CTX_check_private_key(context) != 1)
        return tls_failure("the private key " + pair.key + " is not that of " + pair.certificate);
    part = PairPart::none;
    return {};
}

Result<> trust_authority(SSL_CTX* context, const std::string& file) {
    ::ERR_clear_error();
    ::SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN); // those are for the other side's, ours has what its file says
    if (::SSL_CTX_load_verify_file(context, file.c_str()) != 1) return tls_failure("read the certificates in " + file);
    return {};
}

bool has_expired(const SSL_CTX* context) noexcept {
    const X509* const ours = ::SSL_CTX_get0_certificate(context);
    return ours && ::X509_cmp_current_time(::X509_get0_notAfter(ours)) < 0;
}

} // namespace mpsup::http
