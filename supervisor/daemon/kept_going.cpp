#include "supervisor/daemon/kept_going.h"

#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/history.h"

#include <exception>

namespace mpsup {

boost::asio::awaitable<void> keep_going(KeptGoing what) {
    while (!what.is_over()) {
        std::string why = "no reason is known";
        try {
            co_await what.work();
            co_return;
        } catch (const std::exception& thrown) {
            why = thrown.what();
        } catch (...) { // NOLINT(bugprone-empty-catch): that is the reason
        }
        log_line("error", what.name + " ended by an exception (" + why + "), and is begun again");
        co_await pause_for(what.pause);
    }
}

} // namespace mpsup
