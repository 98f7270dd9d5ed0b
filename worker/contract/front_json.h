// What a worker serves, as a part of a message. Of worker/contract alone: nobody else shall have to read Boost.JSON.
#pragma once

#include "worker/contract/front.h"

#include <boost/json.hpp>

namespace mpsup::contract {

[[nodiscard]] boost::json::value to_json(const Front& front);
[[nodiscard]] boost::json::value to_json(const Files& files);

/// As decode_front.
[[nodiscard]] Result<Front> front_from_json(const boost::json::value& value);
[[nodiscard]] Result<Files> files_from_json(const boost::json::value& value);

} // namespace mpsup::contract
