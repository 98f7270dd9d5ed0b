// The machines of a site, in the document of its status (daemon/machines_status.h).
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

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

/// Of one of the machines: that it runs something else than this topology (`digest`: of its share; empty: nothing), or does not say
/// what it runs; empty: it runs that.
[[nodiscard]] std::string what_else_runs(const boost::json::object& machine, std::int64_t number,
                                         std::string_view digest);

/// Of a worker, for a column of a table: cut, where the page has an end.
[[nodiscard]] std::string machine_of(const boost::json::object& worker);
[[nodiscard]] std::string name_among_machines(const boost::json::object& worker);

} // namespace mpsup::cli
