#include "supervisor/daemon/cluster_options.h"

namespace mpsup {

std::vector<std::string> ClusterOptions::to_arguments() const {
    std::vector<std::string> words;
    const auto add = [&](const char* option, const std::string& value) {
        if (value.empty()) return;
        words.emplace_back(option);
        words.push_back(value);
    };
    add("--machine", machine);
    for (const std::string& endpoint : endpoints) add("--cluster", endpoint);
    add("--cluster-user", user);
    add("--cluster-password-file", password_file);
    add("--cluster-prefix", prefix);
    add("--cluster-ca", ca);
    add("--cluster-cert", certificate);
    add("--cluster-key", key);
    add("--peer", peer);
    return words;
}

} // namespace mpsup
