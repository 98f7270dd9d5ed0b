// The machines of a site, in the document of its status (daemon/machines_status.h).
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace mpsup::cli {

/// Is it one of several machines?
[[nodiscard]] bool has_machines(const boost::json::object& status);
/// Is the store that the machines share one that can be asked, and whose orders are taken? True also where there is none.
[[nodiscard]] bool store_is_followed(const boost::json::object& status);
/// Those that were removed need not.
[[nodiscard]] bool all_machines_answered(const boost::json::object& status);

/// A line for each machine: its state, the topology that it runs, its address, what is to be said of it. Before it
/// what is wrong with the store that they share, where something is; behind it who has the `vip`.
[[nodiscard]] std::string machines_table(const boost::json::object& status);
/// A line for each that did not answer.
[[nodiscard]] std::string silent_machines(const boost::json::object& status);

/// Of a worker, for a column of a table: cut, where the page has an end.
[[nodiscard]] std::string machine_of(const boost::json::object& worker);
[[nodiscard]] std::string name_among_machines(const boost::json::object& worker);

} // namespace mpsup::cli
