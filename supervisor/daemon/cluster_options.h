// How a supervisor is one of several: what its command line says.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mpsup {

struct ClusterOptions {
    std::string machine;                // which of the topology it is
    std::vector<std::string> endpoints; // of etcd: "http://10.0.0.5:2379", "https://…"
    std::string user, password_file;    // empty: etcd asks for none
    std::string prefix;                 // of all keys; ends with a slash
    std::string ca, certificate, key;   // files, for https
    std::string peer; // "IP:PORT" where other supervisors ask this one; empty: the machine's own address
    std::string peer_ca, peer_certificate,
        peer_key; // files by which supervisors know each other; none: keys of their own

    /// As words of a command line: what `supervise` is to be called with to be the same again.
    [[nodiscard]] std::vector<std::string> to_arguments() const;
};

/// Private keys that others than their owner and its group may reach: "--cluster-key: others may reach /etc/key.pem; chmod o-rwx it".
[[nodiscard]] std::vector<std::string> keys_open_to_others(const ClusterOptions& options);

/// The address that this machine has towards a host ("10.9.0.254", "etcd.example"), as the kernel would choose it; nothing is sent.
/// Resolves names, so it may take seconds. Nothing: there is no way to it.
[[nodiscard]] std::optional<std::string> own_address_towards(const std::string& host);

} // namespace mpsup
