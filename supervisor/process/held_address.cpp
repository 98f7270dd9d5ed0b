#include "supervisor/process/held_address.h"

#include "supervisor/process/neighbours.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <utility>

namespace mpsup {

namespace {

// The kernel looks at its addresses once a second (net/ipv4/devinet.c, check_lifetime), and counts whole seconds.
constexpr std::chrono::seconds late_by{1};
constexpr int times_to_tell = 3;
constexpr std::chrono::milliseconds between_tellings{500};

// A request of rtnetlink(7), with room for what an address needs.
class Request {
public:
    Request(std::uint16_t type, unsigned flags, const InterfaceAddress& address, unsigned interface) {
        header().nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
        header().nlmsg_type = type;
        header().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        const auto bytes = address.bytes();
        ifaddrmsg message{};
        message.ifa_family = address.is_ipv6() ? AF_INET6 : AF_INET;
        message.ifa_prefixlen = static_cast<std::uint8_t>(8 * bytes.size());
        message.ifa_scope = RT_SCOPE_UNIVERSE;
        message.ifa_index = interface;
        std::memcpy(&space_[NLMSG_HDRLEN], &message, sizeof message);
        add(IFA_LOCAL, bytes.data(), bytes.size());
        add(IFA_ADDRESS, bytes.data(), bytes.size());
    }
    void add(std::uint16_t type, const void* data, std::size_t size) {
        const std::size_t at = NLMSG_ALIGN(header().nlmsg_len);
        const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
        std::memcpy(&space_[at], &attribute, sizeof attribute);
        std::memcpy(&space_[at + RTA_LENGTH(0)], data, size);
        header().nlmsg_len = static_cast<std::uint32_t>(at + attribute.rta_len);
    }
    // The kernel's answer: 0, or errno.
    [[nodiscard]] int send(int netlink) const {
        if (::send(netlink, space_.data(), header().nlmsg_len, 0) < 0) return errno;
        struct {
            nlmsghdr header;
            nlmsgerr error;
            std::array<char, 1024> rest; // the request comes back
        } answer{};
        const ssize_t got = ::recv(netlink, &answer, sizeof answer, 0);
        if (got < 0) return errno;
        const bool whole = static_cast<std::size_t>(got) >= sizeof answer.header + sizeof answer.error;
        return whole && answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
    }

private:
    [[nodiscard]] nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(space_.data()); }
    [[nodiscard]] const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(space_.data()); }
    alignas(nlmsghdr) std::array<char, 256> space_{};
};

// In IPv6 an address whose preferred time is over is not chosen for what goes out, and a new one is tried for two seconds
// whether another has it, which here it had.
Request setting(const InterfaceAddress& address, unsigned interface, std::chrono::seconds left) {
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address, interface);
    ifa_cacheinfo times{};
    times.ifa_valid = static_cast<std::uint32_t>(left.count());
    times.ifa_prefered = address.is_ipv6() ? 0 : times.ifa_valid;
    request.add(IFA_CACHEINFO, &times, sizeof times);
    const std::uint32_t flags = address.is_ipv6() ? IFA_F_NODAD | IFA_F_NOPREFIXROUTE : IFA_F_NOPREFIXROUTE;
    request.add(IFA_FLAGS, &flags, sizeof flags);
    return request;
}

Result<> answer_of(int error, const std::string& step, const InterfaceAddress& address, const Interface& interface) {
    if (error == 0) return {};
    return system_failure(step + " " + address.ip + " on " + interface.name, error);
}

} // namespace

HeldAddress::BootTime HeldAddress::now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::floor<BootTime>(std::chrono::nanoseconds(time.tv_nsec));
}

HeldAddress::HeldAddress(InterfaceAddress address, Interface interface, Fd netlink, Fd timer)
    : address_(std::move(address)),
      interface_(std::move(interface)),
      netlink_(std::move(netlink)),
      timer_(std::move(timer)) {}

HeldAddress::~HeldAddress() {
    if (netlink_ && deadline_ != BootTime(0)) (void)drop();
}

Result<HeldAddress> HeldAddress::open(InterfaceAddress address, const std::string& interface) {
    auto found = find_interface(address, interface);
    if (!found) return std::unexpected(found.error());
    Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!netlink) return system_failure("netlink");
    // The kernel answers within the call; should it ever not, nobody waits for it.
    const timeval patience{1, 0};
    (void)::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer) return system_failure("timerfd_create");
    return HeldAddress(std::move(address), std::move(*found), std::move(netlink), std::move(timer));
}

Result<> HeldAddress::hold_until(BootTime deadline) {
    const auto left = std::chrono::floor<std::chrono::seconds>(deadline - now()) - late_by;
    if (left < std::chrono::seconds(1)) return answer_of(ETIME, "hold", address_, interface_);
    const bool is_new = !holds();
    // First the timer: who has no way to give it back in time does not take it.
    if (const auto timed = set_timer(deadline); !timed) return timed;
    const int error = setting(address_, interface_.index, left).send(netlink_.get());
    if (error != 0) {
        (void)set_timer(deadline_);
        return answer_of(error, "set", address_, interface_);
    }
    deadline_ = deadline;
    if (is_new) times_told_ = 0;
    return {};
}

Result<> HeldAddress::tell() {
    const BootTime at = now();
    const bool is_due = times_told_ == 0 || at >= told_at_ + between_tellings;
    if (!holds() || times_told_ >= times_to_tell || !is_due) return {};
    ++times_told_;
    told_at_ = at;
    return tell_neighbours(interface_, address_);
}

Result<> HeldAddress::drop() {
    const int error = Request(RTM_DELADDR, 0, address_, interface_.index).send(netlink_.get());
    const bool is_gone = error == 0 || error == EADDRNOTAVAIL || error == ENODEV;
    if (!is_gone) return answer_of(error, "take away", address_, interface_);
    deadline_ = BootTime(0);
    (void)set_timer(BootTime(0));
    return {};
}

bool HeldAddress::holds() const { return now() < deadline_; }

// 0: never.
Result<> HeldAddress::set_timer(BootTime deadline) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(deadline);
    itimerspec time{};
    time.it_value.tv_sec = seconds.count();
    time.it_value.tv_nsec = std::chrono::nanoseconds(deadline - seconds).count();
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr) != 0)
        return system_failure("timerfd_settime");
    return {};
}

} // namespace mpsup
