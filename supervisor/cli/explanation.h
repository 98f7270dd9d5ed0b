// Which way a request takes through a topology: pure, by the functions that the workers themselves route with.
#pragma once

#include "base/error.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/light_control.h"
#include "worker/contract/routing.h"

#include <optional>
#include <string>
#include <vector>

namespace mpsup::cli {

/// "http://host[:port][/path][?query]", or "/path": then the authority is empty, and way_of takes the first accelerator's.
[[nodiscard]] Result<contract::ExplainedRequest> parse_request(const std::string& url, const std::string& method,
                                                               const std::vector<std::string>& headers);

/// Moved, never copied: `routing` points into `front`.
struct Way {
    const topology::WorkerSpec* worker = nullptr; // whose listener takes it
    std::optional<Address> listener{};
    bool tls = false;
    bool is_at_vip = false;               // the request goes to the `vip`: to whichever machine has it
    contract::ExplainedRequest request{}; // with its scheme and authority
    contract::Front front{};              // of a light worker
    contract::Routing routing{};          // in it
    std::string path{};                   // as routes compare it; empty: it means nothing (400)
    bool is_file = false;                 // one of the worker's own files, if it is there
    std::string redirect{};               // where to, by `links: redirect`: the path is another worker's
};

/// An error that lists the listeners when none takes it. `topology` must outlive the result; of several machines it is that of
/// topology::over_all_machines. Where several may have the `vip` (`vip.on`), the first of the workers that listen there takes it.
[[nodiscard]] Result<Way> way_of(const topology::Topology& topology, const contract::ExplainedRequest& request,
                                 const topology::FrontPlaces& places);

using MachineNames = std::vector<std::string>;

/// From the listener to who answers in the end: each way leads to the next, a pool (of several machines with it the nearest one, else
/// the first, by its gateway) or a worker of the site that listens where the route's only backend is. Never empty; a circle is cut.
/// `out`: machines that get nothing new.
[[nodiscard]] std::vector<Way> ways_from(const topology::Topology& topology, Way first,
                                         const topology::FrontPlaces& places, const MachineNames& out = {});

/// Those of `out` where a way could go on.
[[nodiscard]] MachineNames passed_by(const topology::Topology& topology, const Way& way, const MachineNames& out);

/// What of the topology says what becomes of it, by names and indexes (topology/key_origin.h).
[[nodiscard]] std::vector<std::string> key_of(const Way& way);

/// The machine that it is on, where there are several; otherwise empty.
[[nodiscard]] std::string machine_of(const topology::Topology& topology, const Way& way);

/// Where on the disk it is looked for; empty without is_file.
[[nodiscard]] std::string file_of(const Way& way);

} // namespace mpsup::cli
