// What loading an application leaves behind that processes must not share. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"

#include <map>
#include <string>
#include <vector>

namespace mpsup::perl {

/// Looks for sockets, database handles and threads whenever a file has been loaded (require, do), so that each is known
/// with the line that asked for the file. One at a time.
class ForkSafety {
public:
    /// Before the first line of the application is loaded.
    static void begin(pTHX);
    /// After the last. A sentence for each thing found.
    [[nodiscard]] static std::vector<std::string> end(pTHX);
};

} // namespace mpsup::perl
