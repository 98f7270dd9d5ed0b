// A topology to bring up, as resolved by the command line.
#pragma once

#include <string>

namespace mpsup {

struct UpRequest {
    std::string document; // topology/resolve.h
    std::string path;     // the file it came from
};

} // namespace mpsup
