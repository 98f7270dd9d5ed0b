// Asks backends how they are.
#pragma once

#include "worker/accelerator/accelerator_state.h"

#include <boost/asio/io_context.hpp>
#include <memory>

namespace mpsup::accelerator {

/// Makes the checks that are due (Backends::due), in the loop of one thread, `look` apart: GET of `check_path`, answered with
/// 2xx or 3xx within `check_timeout`; where there is none, a connection is enough. Works only where there is something to
/// be checked: a path, or several backends, of which one may be ejected.
class BackendChecks {
public:
    static constexpr std::chrono::milliseconds look{250};

    /// Both outlive it.
    BackendChecks(AcceleratorState& state, boost::asio::io_context& context);
    ~BackendChecks();
    BackendChecks(const BackendChecks&) = delete;
    BackendChecks& operator=(const BackendChecks&) = delete;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_; // with the checks that are under way
};

} // namespace mpsup::accelerator
