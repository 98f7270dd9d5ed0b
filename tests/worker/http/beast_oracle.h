// What Beast's parser makes of a request.
#pragma once

#include <string>
#include <string_view>

namespace mpsup::http {

struct OracleVerdict {
    bool refused = false;
    bool complete = false; // else it waits for more
    std::string reason;
    std::string method, target, body;
};

[[nodiscard]] OracleVerdict ask_beast(std::string_view bytes);

} // namespace mpsup::http
