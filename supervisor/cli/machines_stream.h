// Lines of several machines, as the supervisor gives them.
#pragma once

#include "supervisor/cli/context.h"
#include "supervisor/control/api_target.h"

#include <boost/json/object.hpp>

#include <functional>
#include <string>
#include <vector>

namespace mpsup::cli {

struct SilentMachine {
    std::string name;
    std::string why;
};

struct StreamEnd {
    int code = ok;
    std::vector<SilentMachine> silent; // those that were complained about
};

/// Asks the supervisor and hands on every line; complains about machines that do not answer, and ends with `failed`
/// when there was one. A stream that is followed goes on with another supervisor of the site (after an upgrade), if
/// one comes within 5 s.
[[nodiscard]] StreamEnd read_machines(const ChosenSite& site, ApiTarget target,
                                      const std::function<void(const boost::json::object& line)>& on_line);

/// The same of documents: {"silent":[{"machine","why"}]}; nothing is added when there is none.
void add_silent(boost::json::object& document, const std::vector<SilentMachine>& silent);

} // namespace mpsup::cli
