// What a crawler must know of a site: where it may ask, what must not be seen, and who serves what.
#pragma once

#include "supervisor/cli/explanation.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/link_check.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cli {

/// A listener that clients are meant to know.
struct PublicFace {
    const topology::WorkerSpec* worker = nullptr;
    Address listener{};
    std::string origin{}; // "http://127.0.0.1:8080", as clients call it
    bool tls = false;     // of the listener
};

/// Who answers a URL, as the topology has it.
struct Served {
    std::string worker{}; // empty: nobody of the site
    std::string how{};    // "files", "application", "files or pool app", "backend 10.0.0.1:80", "nobody"
    const topology::WorkerSpec* spec = nullptr;
    bool is_file = false;
};

/// Pure; `topology` must outlive it; of several machines it is that of topology::over_all_machines.
class CrawledSite {
public:
    /// `machines`: whose listeners are asked, the others' are not of the site then; none: all.
    CrawledSite(const topology::Topology& topology, topology::FrontPlaces places,
                const std::vector<std::string>& machines = {});

    /// Listeners of workers that no accelerator leads to, pages before files; no addresses that were given up (moved.h).
    [[nodiscard]] const std::vector<PublicFace>& faces() const noexcept { return faces_; }

    /// Addresses that only accelerators should use, also as "localhost:8081" where that is no public one, and sockets of pools.
    [[nodiscard]] std::vector<std::string> secrets() const;

    /// `starts`: paths of the first face, or URLs, whose names may be others than the faces'. An error: nobody of these machines
    /// listens there, or nowhere.
    [[nodiscard]] Result<contract::LinkJob> job(const std::vector<std::string>& starts) const;

    [[nodiscard]] Served served(std::string_view url) const;

    /// Who should be asked for that, when it is another one than the worker that listens there: on a site of two
    /// servers.
    [[nodiscard]] const PublicFace* right_face(std::string_view url) const;

    /// Does whoever is asked lead on to who has it?
    [[nodiscard]] bool redirects() const;

    /// Is there a light worker that hands out files?
    [[nodiscard]] bool has_light_files() const;

private:
    [[nodiscard]] std::optional<Way> way_to(std::string_view url) const;

    const topology::Topology& topology_;
    topology::FrontPlaces places_;
    std::vector<PublicFace> faces_;
    std::vector<std::string> machines_; // none: all
};

} // namespace mpsup::cli
