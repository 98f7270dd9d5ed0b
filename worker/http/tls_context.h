// What servers and clients of TLS have in common: versions, ciphers, files.
#pragma once

#include "worker/http/tls_keeper.h"

#include <string>

struct ssl_ctx_st;

namespace mpsup::http {

/// Which part of a pair it was that could not be used.
enum class PairPart { none, certificate, key, match };

/// What OpenSSL complained of last, behind `what`.
[[nodiscard]] std::unexpected<Error> tls_failure(std::string what);

/// Versions, ciphers (tls_keeper.h says which), modes; nobody is ever asked for a passphrase.
[[nodiscard]] bool set_up_tls(ssl_ctx_st* context, bool tls13_only);

/// Reads a pair, and checks that the key belongs to the certificate. `culprit` hears why it failed.
[[nodiscard]] Result<> use_pair(ssl_ctx_st* context, const CertificatePair& pair, PairPart* culprit = nullptr);

/// Certificates of the other side are good that one of those in this PEM file has signed.
[[nodiscard]] Result<> trust_authority(ssl_ctx_st* context, const std::string& file);

/// Our own certificate, if there is one.
[[nodiscard]] bool has_expired(const ssl_ctx_st* context) noexcept;

} // namespace mpsup::http
