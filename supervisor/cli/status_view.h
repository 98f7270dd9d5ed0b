// The document of `status -o json`, as the command line gets hold of it and shows it.
#pragma once

#include "supervisor/cli/context.h"

#include <string>

namespace mpsup::cli {

struct StatusDocument {
    std::string text;     // JSON, version 1
    bool is_live = false; // the supervisor answered; otherwise it is what was recorded last
};

/// From the supervisor, or, when there is none, from the database. `machines`: as the control API takes it
/// (read_api.h); empty: this one alone. EINVAL: there is no such machine.
[[nodiscard]] Result<StatusDocument> fetch_status(const ChosenSite& site, const std::string& machines = {});

/// Where clients come in: a line for each worker's address, "httpd_perl  http://127.0.0.1:8081". Of several machines those of all, with
/// the machines that each is at; what is for other machines alone (gateways, loopback) is left out.
[[nodiscard]] std::string addresses_table(const std::string& document);
/// That of the site as it runs.
void print_urls(const ChosenSite& site);

/// The table of `mpsup status`, and of `mpsup workers`, whole lines within the page. Of several machines also their
/// table.
[[nodiscard]] std::string workers_table(const std::string& document);
[[nodiscard]] std::string processes_table(const std::string& document);

/// How a status ends the command: ok, not_running, unhealthy, also when a machine does not answer or the store of all
/// cannot be followed; no_supervisor when it is not live.
[[nodiscard]] int exit_code_of(const StatusDocument& status);

} // namespace mpsup::cli
