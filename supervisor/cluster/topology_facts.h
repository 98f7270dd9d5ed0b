// What the cluster has to know of a topology to bring it to all machines. The document itself it does not read.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cluster {

struct TopologyFacts {
    struct Machine {
        std::string name{};
        bool has_accelerator = false;    // it is granted after those that have none
        std::set<std::string> offers{};  // addresses at which others reach something there
        std::set<std::string> workers{}; // names, of gateways too
        std::string address{};           // its own; empty: not known

        friend bool operator==(const Machine&, const Machine&) = default;
    };
    /// An address that follows a living machine.
    struct Vip {
        std::string address{};         // as in the document; the key's name
        std::vector<std::string> on{}; // preferred first

        friend bool operator==(const Vip&, const Vip&) = default;
    };

    /// What is asked for on one of these machines by somebody who has none of it himself.
    struct Need {
        std::string what{}; // in words: "pool shop", "the address 10.9.0.100/24"
        std::string by{};   // the worker that leads there; empty: clients do
        std::vector<std::string> on{};

        friend bool operator==(const Need&, const Need&) = default;
    };

    std::vector<Machine> machines{};
    int allowed = 1; // machines that may be out of service at a time, at least 1: a share is worked out already
    std::optional<Vip> vip{};
    std::vector<Need> needs{};

    [[nodiscard]] bool has(std::string_view machine) const;
    friend bool operator==(const TopologyFacts&, const TopologyFacts&) = default;
};

} // namespace mpsup::cluster
