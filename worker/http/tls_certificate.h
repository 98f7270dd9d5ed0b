// One certificate with its private key, ready to serve.
#pragma once

#include "worker/http/tls_keeper.h"

namespace mpsup::http {

/// Never changes after load().
class TlsCertificate {
public:
    /// Reads, and checks that the key belongs to the certificate. Never asks for a passphrase.
    [[nodiscard]] static Result<std::shared_ptr<const TlsCertificate>> load(const CertificatePair& pair,
                                                                            bool tls13_only);

    [[nodiscard]] ssl_ctx_st* context() const noexcept { return context_.get(); }
    /// The path of the certificate: the same after it was renewed.
    [[nodiscard]] const std::string& name() const noexcept { return path_; }
    [[nodiscard]] bool expired() const noexcept;
    /// By a name as it stands, or by a wildcard. Any case.
    [[nodiscard]] bool answers_for(std::string_view name, bool wildcard) const noexcept;

private:
    TlsCertificate() = default;
    void read_names();

    std::string path_;
    std::unique_ptr<ssl_ctx_st, OpensslDeleter> context_;
    std::vector<std::string> names_;    // lower case
    std::vector<std::string> suffixes_; // ".example.org" of "*.example.org"
};

} // namespace mpsup::http
