// A topology to bring up, as resolved by the command line.
#pragma once

#include <string>

namespace mpsup {

struct UpRequest {
    std::string document; // topology/resolve.h
    std::string path;     // the file it came from
};

/// To whoever brings a file that names machines to where no supervisor is one of several.
[[nodiscard]] inline std::string is_for_several_text(const std::string& path, const std::string& site) {
    return path + " is for several machines: start each one's supervisor with `mpsup supervise --site " + site +
           " --machine NAME --cluster URL`, then `mpsup up` on any of them";
}

} // namespace mpsup
