// Links as a part of a message. Of worker/contract alone: nobody else shall have to read Boost.JSON.
#pragma once

#include "base/error.h"
#include "worker/contract/links.h"

#include <boost/json.hpp>

namespace mpsup::contract {

[[nodiscard]] boost::json::value to_json(const Links& links);

/// Everything is checked: keys, types, URLs, that paths are absolute, that `own` is one of the servers, and that there are
/// some unless the mode is off.
[[nodiscard]] Result<Links> links_from_json(const boost::json::value& value);

} // namespace mpsup::contract
