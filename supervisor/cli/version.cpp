#include "supervisor/cli/verbs.h"
#include "supervisor/control/build_id.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

int run_version(const Context& context) {
    if (context.output == Output::table) {
        std::printf("mpsup %s (build %.12s)\n", MPSUP_VERSION, build_id().c_str());
    } else {
        const boost::json::object version{{"version", MPSUP_VERSION}, {"build", build_id()}};
        std::printf("%s\n", boost::json::serialize(version).c_str());
    }
    return ok;
}

} // namespace mpsup::cli
