// The certificates of a server, by name, and their replacement while it serves.
#pragma once

#include "base/error.h"
#include "worker/http/ticket_keys.h"
#include "worker/http/tls_files.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace mpsup::http {

/// PEM files: the certificate with those of its issuers behind it, and its private key, without a passphrase.
struct CertificatePair {
    std::string certificate;
    std::string key;
};

struct TlsOptions {
    std::vector<CertificatePair> pairs; // at least one; the first answers for names that no other has
    bool tls13_only = false;
    std::string client_authority{}; // PEM file: clients must show a certificate that is signed by one of these
    bool strict_names = false;      // and nobody does: the handshake fails (unrecognized_name)
    std::vector<std::string> protocols{
        "http/1.1"}; // ALPN, the preferred one first; a client with none of them has none
    std::chrono::seconds ticket_age{12 *
                                    3600}; // of a key that new session tickets are made with; it opens old ones as long
};

struct OpensslDeleter {
    void operator()(ssl_ctx_st* context) const noexcept;
    void operator()(ssl_st* connection) const noexcept;
};
using TlsConnection = std::unique_ptr<ssl_st, OpensslDeleter>;

/// TLS 1.2 and 1.3 with the ciphers of Mozilla's intermediate profile that need no Diffie-Hellman parameters; no
/// renegotiation, no compression, no early data; sessions in tickets only, which are good for the name they were made for
/// alone; none where clients show certificates. A certificate answers for the names of its subjectAltName (its common name when it has none), "*." for one
/// label (RFC 6125 section 6.4.3).
///
/// Thread-safe but for changed() and reload(), which belong to one thread.
class TlsKeeper final : public TlsFiles {
public:
    /// Reads all pairs; any that is not good is an error. One that has expired is served all the same, and the log says so.
    [[nodiscard]] static Result<std::shared_ptr<TlsKeeper>> open(TlsOptions options);
    ~TlsKeeper() override;

    /// A connection with the pairs of this moment, to be given its socket. It may outlive the keeper.
    [[nodiscard]] TlsConnection connect() const;

    [[nodiscard]] Result<> reload() override;

    struct Table;

private:
    explicit TlsKeeper(TlsOptions options);

    const TlsOptions options_;
    const std::shared_ptr<TicketKeys> tickets_;
    mutable std::mutex mutex_; // of table_
    std::shared_ptr<const Table> table_;
};

} // namespace mpsup::http
