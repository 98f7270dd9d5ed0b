// One certificate with its private key, ready to serve.
#pragma once

#include "worker/http/tls_context.h"
#include "worker/http/tls_keeper.h"

namespace mpsup::http {

/// Never changes after load().
class TlsCertificate {
public:
    struct LoadOptions {
        bool tls13_only = false;
        std::string client_authority{}; // PEM file: clients must show a certificate that is signed by one of these
        PairPart* culprit = nullptr;    // hears why it failed
    };
    /// Reads, and checks that the key belongs to the certificate. Never asks for a passphrase.
    [[nodiscard]] static Result<std::shared_ptr<const TlsCertificate>> load(const CertificatePair& pair,
                                                                            const LoadOptions& options);

    [[nodiscard]] ssl_ctx_st* context() const noexcept { return context_.get(); }
    /// The path of the certificate: the same after it was renewed.
    [[nodiscard]] const std::string& name() const noexcept { return path_; }
    [[nodiscard]] bool expired() const noexcept;
    /// "2026-11-30 16:49 UTC": from when it is good, and until when.
    [[nodiscard]] std::string good_from() const;
    [[nodiscard]] std::string good_until() const;
    [[nodiscard]] bool is_early() const noexcept;
    /// By a name as it stands, or by a wildcard. Any case.
    [[nodiscard]] bool answers_for(std::string_view name, bool wildcard) const noexcept;

private:
    TlsCertificate() = default;
    void read_names();
    [[nodiscard]] Result<> demand(const std::string& client_authority);

    std::string path_;
    std::unique_ptr<ssl_ctx_st, OpensslDeleter> context_;
    std::vector<std::string> names_;    // lower case
    std::vector<std::string> suffixes_; // ".example.org" of "*.example.org"
};

} // namespace mpsup::http
