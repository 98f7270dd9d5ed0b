// TLS towards servers of ours: whom we believe, and what we show them.
#pragma once

#include "worker/http/tls_keeper.h"

#include <memory>
#include <mutex>
#include <string>

namespace mpsup::http {

struct TlsClientOptions {
    std::string authority;  // PEM file: a server's certificate must be signed by one of these
    CertificatePair pair{}; // what it is shown; no certificate: nothing
    std::string name{};     // that its certificate must be for; empty: the IP address of the server
};

/// TLS 1.2 and 1.3 as TlsKeeper speaks it. No sessions are resumed: connections are kept.
///
/// Thread-safe but for changed() and reload(), which belong to one thread.
class TlsClient final : public TlsFiles {
public:
    /// Reads all files; any that is not good is an error. A pair that has expired is shown all the same, and the log says so.
    [[nodiscard]] static Result<std::shared_ptr<TlsClient>> open(TlsClientOptions options);

    /// A connection with the files of this moment to the server at `ip`, to be given its socket. Null: there is no memory.
    [[nodiscard]] TlsConnection connect(const std::string& ip) const;

    [[nodiscard]] Result<> reload() override;

private:
    using Context = std::shared_ptr<ssl_ctx_st>;
    explicit TlsClient(TlsClientOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Result<Context> load() const;

    const TlsClientOptions options_;
    mutable std::mutex mutex_; // of context_
    Context context_;
};

} // namespace mpsup::http
