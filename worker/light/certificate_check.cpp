#include "worker/light/certificate_check.h"

#include "base/fd.h"
#include "worker/http/tls_certificate.h"

#include <fcntl.h>

namespace mpsup::light {

namespace {

using contract::PairVerdict;
using http::CertificatePair;
using http::PairPart;

constexpr std::size_t most = 1U << 20U; // of a file that is looked into

std::string in_ticks(const std::string& text) { return "`" + text + "`"; }

bool holds_certificate(std::string_view text) { return text.contains("-----BEGIN CERTIFICATE-----"); }
bool holds_key(std::string_view text) { return text.contains("PRIVATE KEY-----"); }
bool is_binary(std::string_view text) { return text.starts_with('\x30') && !text.contains("-----BEGIN"); }

PairVerdict bad_certificate(const CertificatePair& pair, const std::string& text, const Error& why) {
    const std::string file = in_ticks(pair.certificate);
    if (holds_certificate(text)) return {file + " cannot be used: " + why.to_string(), {}};
    const std::string problem = file + " holds no certificate (-----BEGIN CERTIFICATE-----)";
    if (holds_key(text)) return {problem, "it holds a private key: are `cert` and `key` exchanged?"};
    if (is_binary(text))
        return {problem, "if it is in DER form: openssl x509 -inform der -in " + pair.certificate + " -out NEW.pem"};
    return {problem, "certbot and the like call it fullchain.pem"};
}

PairVerdict bad_key(const CertificatePair& pair, const std::string& text, const Error& why) {
    const std::string file = in_ticks(pair.key);
    const std::string problem = file + " holds no private key (-----BEGIN PRIVATE KEY-----)";
    if (text.contains("ENCRYPTED"))
        return {file + " has a passphrase, and nobody is there to be asked for it",
                "openssl pkey -in " + pair.key + " -out NEW.pem", true};
    if (holds_key(text)) return {file + " cannot be used: " + why.to_string(), {}, true};
    if (holds_certificate(text)) return {problem, "it holds a certificate: are `cert` and `key` exchanged?", true};
    if (is_binary(text))
        return {problem, "if it is in DER form: openssl pkey -inform der -in " + pair.key + " -out NEW.pem", true};
    return {problem, "certbot and the like call it privkey.pem", true};
}

PairVerdict no_match(const CertificatePair& pair) {
    return {in_ticks(pair.key) + " is not the private key of " + in_ticks(pair.certificate),
            "take the key that the certificate was asked for with; in `cert` the site's own certificate stands first",
            true};
}

// The text of a file, or why there is none.
Result<std::string> text_of(const std::string& path) {
    const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return std::unexpected(file.error());
    return read_file(*file, path, most);
}

} // namespace

PairVerdict check_pair(const CertificatePair& pair) {
    const auto certificate = text_of(pair.certificate);
    if (!certificate) return {in_ticks(pair.certificate) + ": " + certificate.error().code.message(), {}};
    const auto key = text_of(pair.key);
    if (!key) return {in_ticks(pair.key) + ": " + key.error().code.message(), {}, true};
    PairPart culprit = PairPart::none;
    const auto loaded = http::TlsCertificate::load(pair, {.culprit = &culprit});
    if (!loaded) {
        if (culprit == PairPart::match) return no_match(pair);
        return culprit == PairPart::key ? bad_key(pair, *key, loaded.error())
                                        : bad_certificate(pair, *certificate, loaded.error());
    }
    const std::string file = in_ticks(pair.certificate);
    if ((*loaded)->expired())
        return {file + " has expired, on " + (*loaded)->good_until(), "renew it; clients refuse it", false, true};
    if ((*loaded)->is_early())
        return {file + " is not good before " + (*loaded)->good_from(), "is the clock of this machine right?", false,
                true};
    return {};
}

} // namespace mpsup::light
