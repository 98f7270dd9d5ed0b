// Where an etcd is.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cluster {

struct EtcdEndpoint {
    bool tls = false;
    std::string host{}; // a name or a numeric address, without brackets
    std::uint16_t port = 2379;

    /// "https://[::1]:2379"
    [[nodiscard]] std::string url() const;
    /// Of the Host field (RFC 9110 section 7.2): "[::1]:2379"
    [[nodiscard]] std::string authority() const;
    friend bool operator==(const EtcdEndpoint&, const EtcdEndpoint&) = default;
};

/// "http://10.0.0.1:2379,https://etcd.example": one at least, each once; without a port it is 2379. The error says
/// which is not right.
[[nodiscard]] Result<std::vector<EtcdEndpoint>> read_endpoints(std::string_view list);

} // namespace mpsup::cluster
