// An address that this machine has for a while.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "supervisor/process/interface_address.h"

#include <chrono>

namespace mpsup {

/// Owns the address: whoever ends without giving it back, or hangs, loses it to the kernel at the deadline at the
/// latest. Times are those of CLOCK_BOOTTIME, which goes on while the machine is suspended; the kernel's own count of
/// an address does not, so expired() has to be waited for.
///
/// It is set with a network of its own alone (/32, /128), so that nothing goes out from it but what came in to it,
/// and it does not depend on another address of the interface. Needs CAP_NET_ADMIN, and CAP_NET_RAW to tell the
/// neighbours. One thread.
class HeldAddress {
public:
    using BootTime = std::chrono::milliseconds; // since the machine was started

    [[nodiscard]] static BootTime now();
    /// Finds the interface (find_interface); sets nothing yet. One that is made anew under its name is another.
    [[nodiscard]] static Result<HeldAddress> open(InterfaceAddress address, const std::string& interface = {});
    HeldAddress(HeldAddress&&) = default;
    HeldAddress& operator=(HeldAddress&&) = delete;
    /// drop(), of what this owner has set.
    ~HeldAddress();

    /// Has it until then, from where it is on; a later call moves the deadline, an earlier deadline too. ETIME when less
    /// than two seconds are left. After an error all is as it was: holds() says it.
    [[nodiscard]] Result<> hold_until(BootTime deadline);
    /// Tells the neighbours that it is here, who would go on sending to where it was: at once when it is new, and twice
    /// more, since one may be lost. To be called after hold_until, and often; mostly it does nothing.
    [[nodiscard]] Result<> tell();
    /// Gives it back, though an earlier process may have set it. No error when the kernel has taken it already; after
    /// one all is as it was.
    [[nodiscard]] Result<> drop();
    /// As far as this owner knows: set, neither dropped nor past its deadline.
    [[nodiscard]] bool holds() const;
    /// Readable when the deadline is past (timerfd_create(2)): drop().
    [[nodiscard]] int expired() const noexcept { return timer_.get(); }
    [[nodiscard]] const Interface& interface() const noexcept { return interface_; }

private:
    HeldAddress(InterfaceAddress address, Interface interface, Fd netlink, Fd timer);
    [[nodiscard]] Result<> set_timer(BootTime deadline) const;

    InterfaceAddress address_;
    Interface interface_;
    Fd netlink_;
    Fd timer_;
    BootTime deadline_{0}; // 0: not set
    BootTime told_at_{0};
    int times_told_ = 0;
};

} // namespace mpsup
