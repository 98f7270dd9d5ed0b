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

std::string text_of_time(const ASN1_TIME* time) {
    std::tm utc{};
    if (::ASN1_TIME_to_tm(time, &utc) != 1) return "?";
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc)};
}

bool name_sessions(SSL_CTX* context, const std::string& name) {
    std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> id{};
    const auto hash = static_cast<std::uint64_t>(std::hash<std::string>()(name));
    for (std::size_t i = 0; i < sizeof hash; ++i) id[i] = static_cast<unsigned char>(hash >> (8 * i));
    return ::SSL_CTX_set_session_id_context(context, id.data(), sizeof hash) == 1;
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

// A session that is resumed shows no certificate: who has to show one does so each time.
Result<> TlsCertificate::demand(const std::string& client_authority) {
    SSL_CTX* context = context_.get();
    if (auto trusted = trust_authority(context, client_authority); !trusted) return trusted;
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (::SSL_CTX_set_num_tickets(context, 0) != 1) return tls_failure("set up TLS");
    return {};
}

Result<std::shared_ptr<const TlsCertificate>> TlsCertificate::load(const CertificatePair& pair,
                                                                   const LoadOptions& options) {
    ::ERR_clear_error();
    std::shared_ptr<TlsCertificate> loaded(new TlsCertificate());
    loaded->path_ = pair.certificate;
    loaded->context_.reset(::SSL_CTX_new(::TLS_server_method()));
    SSL_CTX* context = loaded->context_.get();
    if (!context || !set_up_tls(context, options.tls13_only) || !name_sessions(context, pair.certificate))
        return tls_failure("set up TLS");
    if (auto used = use_pair(context, pair, options.culprit); !used) return std::unexpected(used.error());
    if (!options.client_authority.empty())
        if (auto demanded = loaded->demand(options.client_authority); !demanded)
            return std::unexpected(demanded.error());
    loaded->read_names();
    return loaded;
}

bool TlsCertificate::expired() const noexcept { return has_expired(context_.get()); }

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
