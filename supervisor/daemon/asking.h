// What the API answers about light workers by asking them, and maintenance.
#pragma once

#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace mpsup {

/// Asks the workers named, or without names all accelerators, one after the other. Returns JSON:
/// {"version":1,"answers":[{"worker":"front","answer":{…}}, {"worker":"other","error":"other does not serve"}]}.
/// `question` as in contract/light_control.h. Names of workers that do not exist, or are pools, are errors in their place.
[[nodiscard]] boost::asio::awaitable<std::string> ask_workers(Site& site, std::vector<std::string> names,
                                                              std::string question);

/// On or off for the workers named, or without names for all accelerators, or without such for all light workers.
[[nodiscard]] Outcome set_maintenance(Site& site, std::vector<std::string> names, bool on);

} // namespace mpsup
