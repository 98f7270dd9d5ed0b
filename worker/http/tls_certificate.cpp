#include "worker/http/tls_certificate.h"

#include "worker/http/request.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

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

std::string text_of_time(const ASN1_TIME* time) {
    std::tm utc{};
    if (::ASN1_TIME_to_tm(time, &utc) != 1) return "?";
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc)};
}

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

// A key with a passphrase is refused: nobody is there to be asked.
int no_passphrase(char*, int, int, void*) { return -1; }

bool configure(SSL_CTX* context, const std::string& name, bool tls13_only) {
    ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_set_mode(context,
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> id{};
    const auto hash = static_cast<std::uint64_t>(std::hash<std::string>()(name));
    for (std::size_t i = 0; i < sizeof hash; ++i) id[i] = static_cast<unsigned char>(hash >> (8 * i));
    return ::SSL_CTX_set_session_id_context(context, id.data(), sizeof hash) == 1 &&
           ::SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
           ::SSL_CTX_set_cipher_list(context, ciphers) == 1 && ::SSL_CTX_set1_groups_list(context, groups) == 1;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
    return result;
}

std::string text_of(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(std::max(::ASN1_STRING_length(string), 0))};
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    auto* list = static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_DNS) names.push_back(text_of(name->d.dNSName));
    }
    ::GENERAL_NAMES_free(list);
    if (list) return names;
    X509_NAME* subject = ::X509_get_subject_name(certificate);
    const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) names.push_back(text_of(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at))));
    return names;
}

} // namespace

Result<std::shared_ptr<const TlsCertificate>> TlsCertificate::load(const CertificatePair& pair, bool tls13_only,
                                                                   PairPart* culprit) {
    PairPart unheard = PairPart::none;
    PairPart& part = culprit ? *culprit : unheard;
    ::ERR_clear_error();
    std::shared_ptr<TlsCertificate> loaded(new TlsCertificate());
    loaded->path_ = pair.certificate;
    loaded->context_.reset(::SSL_CTX_new(::TLS_server_method()));
    SSL_CTX* context = loaded->context_.get();
    if (!context || !configure(context, pair.certificate, tls13_only)) return tls_failure("set up TLS");
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
    loaded->read_names();
    return loaded;
}

bool TlsCertificate::expired() const noexcept {
    return ::X509_cmp_current_time(::X509_get0_notAfter(::SSL_CTX_get0_certificate(context_.get()))) < 0;
}

bool TlsCertificate::is_early() const noexcept {
    return ::X509_cmp_current_time(::X509_get0_notBefore(::SSL_CTX_get0_certificate(context_.get()))) > 0;
}

std::string TlsCertificate::good_from() const {
    return text_of_time(::X509_get0_notBefore(::SSL_CTX_get0_certificate(context_.get())));
}

std::string TlsCertificate::good_until() const {
    return text_of_time(::X509_get0_notAfter(::SSL_CTX_get0_certificate(context_.get())));
}

void TlsCertificate::read_names() {
    for (const std::string& name : names_of(::SSL_CTX_get0_certificate(context_.get()))) {
        if (name.starts_with("*."))
            suffixes_.push_back(lower(std::string_view(name).substr(1)));
        else
            names_.push_back(lower(name));
    }
}

bool TlsCertificate::answers_for(std::string_view name, bool wildcard) const noexcept {
    const std::size_t dot = name.find('.');
    if (wildcard && (dot == 0 || dot == std::string_view::npos)) return false;
    const std::string_view wanted = wildcard ? name.substr(dot) : name;
    return std::ranges::any_of(wildcard ? suffixes_ : names_,
                               [&](const std::string& known) { return equals_ignoring_case(known, wanted); });
}

} // namespace mpsup::http
