// Which machine a worker runs on, and at which addresses it is there.
#pragma once

#include "base/address.h"
#include "supervisor/topology/topology.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

/// "127.0.0.1:8080", or a port alone, which is an Address without an IP: at the machine's own.
[[nodiscard]] std::optional<Address> parse_endpoint(std::string_view text);
/// As parse_endpoint reads it.
[[nodiscard]] std::string endpoint_text(const Address& address);

/// Null when there is none of that name.
[[nodiscard]] const Machine* find_machine(const Topology& topology, std::string_view name) noexcept;

/// Those that it runs on, in the order of `on`. Unknown ones are left out.
[[nodiscard]] std::vector<const Machine*> machines_of(const Topology& topology, const WorkerSpec& worker);
[[nodiscard]] bool runs_on(const Topology& topology, const WorkerSpec& worker, std::string_view machine);

/// The one whose address stands for a worker: of a share its own if the worker runs there, else the first of `on`. Null: there is
/// no machine.
[[nodiscard]] const Machine* nearest_machine(const Topology& topology, const WorkerSpec& worker);

/// What others connect to: a port alone, and a listener on every address, are at the machine's own.
[[nodiscard]] Address reached_at(const Address& address, const Machine& machine);

/// A worker's ports, of listeners and of its gateway, become addresses of that machine.
void settle_ports(WorkerSpec& worker, const Machine& machine);
/// Of one on several machines, addresses of that machine become ports again.
void unsettle_ports(WorkerSpec& worker, const Machine& machine);

/// Where the pool is reached from other machines: its gateway, or its first listener that is no loopback address (but the
/// machine's own may be one); as reached_at. Nothing: nowhere.
[[nodiscard]] std::optional<Address> remote_address(const WorkerSpec& pool, const Machine& machine);

/// Workers of all machines in the order of the file, of a share too; what is in no file (gateways, `moved`) comes last.
[[nodiscard]] std::vector<const WorkerSpec*> everyone(const Topology& topology);

/// Made by share_of: no worker that clients are to know of.
[[nodiscard]] inline bool is_gateway(const WorkerSpec& worker) noexcept { return !worker.gateway_of.empty(); }

[[nodiscard]] bool is_loopback(const Address& address) noexcept;

} // namespace mpsup::topology
