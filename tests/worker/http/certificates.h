// Certificates made for a test, and a TLS client.
#pragma once

#include "worker/http/tls_keeper.h"

#include <string>
#include <string_view>
#include <vector>

struct ssl_session_st;

namespace mpsup::http {

/// A folder with pairs, gone with the object.
class CertificateFolder {
public:
    CertificateFolder();
    ~CertificateFolder();

    /// NAME.crt and NAME.key for these host names and IP addresses, signed by the pair called ISSUER, or by itself, which without
    /// hosts makes it an authority; good for `days` from now, or no more when it is negative, and since ten
    /// days ago, or so many days from now on.
    CertificatePair make(const std::string& name, const std::vector<std::string>& hosts, int days = 1, int from = -10,
                         const std::string& issuer = {}) const;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// What a TLS client saw of a server.
class TlsVisit {
public:
    struct Options {
        std::string name{};                // SNI
        std::string protocols{};           // ALPN, as it is on the wire
        int version = 0;                   // TLS1_2_VERSION …; 0: any
        ssl_session_st* session = nullptr; // to be resumed
    };
    /// Shakes hands over a blocking socket, sends `bytes`, and reads until the connection ends.
    TlsVisit(int socket, std::string_view bytes, const Options& options);
    ~TlsVisit();
    TlsVisit(const TlsVisit&) = delete;
    TlsVisit& operator=(const TlsVisit&) = delete;

    bool connected = false;
    std::string received;
    std::string common_name; // of the certificate it was shown
    std::string protocol;    // ALPN
    bool resumed = false;
    ssl_session_st* session = nullptr;
};

} // namespace mpsup::http
