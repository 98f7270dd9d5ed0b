// Where a site keeps what it leaves on disk.
#pragma once

#include "base/error.h"

#include <optional>
#include <string>
#include <vector>

namespace mpsup {

/// Where all sites of this user live. Root: /var/lib/mpsup and /run/mpsup. Others: $XDG_STATE_HOME/mpsup (or
/// ~/.local/state/mpsup), and run/ within it, because logind removes /run/user at logout.
struct BaseDirs {
    std::string state;
    std::string run;

    /// `state_dir` and `run_dir` as given on the command line, where given; a relative one is taken from here.
    [[nodiscard]] static Result<BaseDirs> find(const std::optional<std::string>& state_dir,
                                               const std::optional<std::string>& run_dir);
};

/// The paths of one site. Nothing exists until create().
class SitePaths {
public:
    SitePaths(const BaseDirs& base, const std::string& site);

    /// Makes the folders: 0700, but for the contract's 0711 (workers of other users connect there). Refuses folders
    /// that belong to somebody else, and socket paths that are too long for the kernel (unix(7)).
    [[nodiscard]] Result<> create() const;

    [[nodiscard]] std::string database() const { return state_ + "/state.db"; }
    [[nodiscard]] std::string logs() const { return state_ + "/log"; }
    [[nodiscard]] std::string worker_log(const std::string& worker) const { return logs() + "/" + worker + ".log"; }
    [[nodiscard]] std::string access_log(const std::string& worker) const {
        return logs() + "/" + worker + ".access.log";
    }
    [[nodiscard]] std::string supervisor_log() const { return logs() + "/supervisor.log"; }
    [[nodiscard]] std::string lock() const { return state_ + "/lock"; }
    /// What a machine of several remembers of the cluster; others have none.
    [[nodiscard]] std::string cluster_memory() const { return state_ + "/cluster"; }
    [[nodiscard]] std::string control_socket() const { return run_ + "/control/socket"; }
    [[nodiscard]] std::string contract_socket() const { return run_ + "/contract/socket"; }
    [[nodiscard]] std::string private_socket(const std::string& worker, std::uint64_t generation) const {
        return run_ + "/private/" + worker + "." + std::to_string(generation);
    }
    /// Of sockets of pools that accelerators alone reach (topology/front.h, pool_socket_of); all generations share one.
    [[nodiscard]] std::string pool_folder() const { return run_ + "/pool"; }
    /// Contents that wait, in files without a name.
    [[nodiscard]] std::string buffer_folder() const { return state_ + "/buffer"; }
    [[nodiscard]] std::string cache_folder(const std::string& worker) const { return state_ + "/cache/" + worker; }
    /// A file that is there while a worker is in maintenance.
    [[nodiscard]] std::string maintenance_flag(const std::string& worker) const {
        return state_ + "/maintenance/" + worker;
    }
    /// The highest generation of a worker that has such a socket: it may live though no history knows of it. 0: none.
    [[nodiscard]] std::uint64_t last_private_socket(const std::string& worker) const;
    [[nodiscard]] const std::string& state_dir() const { return state_; }
    [[nodiscard]] const std::string& run_dir() const { return run_; }

private:
    std::string state_;
    std::string run_;
};

/// Names of the sites that have a state folder here.
[[nodiscard]] std::vector<std::string> known_sites(const BaseDirs& base);

} // namespace mpsup
