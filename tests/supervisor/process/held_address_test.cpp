#include "supervisor/process/held_address.h"

#include "base/listener.h"
#include "own_network.h"

#include <algorithm>
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

const InterfaceAddress ipv4{"10.9.0.100", 24}, ipv6{"fd00:9::100", 64};

bool becomes_readable(int fd, std::chrono::milliseconds within) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(within.count())) == 1;
}

// What arrives at the other end.
class Wire {
public:
    explicit Wire(std::uint16_t protocol)
        : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(protocol))) {
        sockaddr_ll name{};
        name.sll_family = AF_PACKET;
        name.sll_protocol = htons(protocol);
        name.sll_ifindex = static_cast<int>(::if_nametoindex("mpsup1"));
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    }
    // The next packet that says so; empty: none within that time.
    std::string next(const auto& wanted, std::chrono::milliseconds within = 3s) const {
        while (becomes_readable(socket_.get(), within)) {
            std::string packet(2000, '\0');
            const ssize_t got = ::recv(socket_.get(), packet.data(), packet.size(), 0);
            packet.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            if (wanted(packet)) return packet;
        }
        return {};
    }

private:
    Fd socket_;
};

std::string text_of(const auto& bytes) { return {bytes.begin(), bytes.end()}; }

class HeldAddressTest : public OwnNetwork {
protected:
    // As it is called by whoever has nothing else to do.
    static int times_told(HeldAddress& held, const Wire& wire, const auto& wanted, std::chrono::milliseconds within) {
        int times = 0;
        for (const auto end = HeldAddress::now() + within; HeldAddress::now() < end && times < 3;) {
            EXPECT_TRUE(held.tell());
            if (!wire.next(wanted, 20ms).empty()) ++times;
        }
        return times;
    }
    static HeldAddress open(const InterfaceAddress& address) { return HeldAddress::open(address).value(); }
    static bool wait_until_gone(const InterfaceAddress& address, std::chrono::milliseconds within) {
        for (const auto end = HeldAddress::now() + within; HeldAddress::now() < end;) {
            if (ip_says(address.ip).empty()) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
};

TEST_F(HeldAddressTest, IsThereUntilItIsDropped) {
    for (const auto& address : {ipv4, ipv6}) {
        HeldAddress held = open(address);
        EXPECT_FALSE(held.holds());
        EXPECT_EQ(ip_says(address.ip), "") << "not yet";
        ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
        EXPECT_TRUE(held.holds());
        const std::string text = ip_says(address.ip);
        EXPECT_TRUE(text.contains("mpsup0")) << text;
        EXPECT_TRUE(text.contains("valid_lft 5")) << text;
        EXPECT_FALSE(text.contains("tentative")) << text;
        EXPECT_TRUE(listen_tcp({address.ip, 7117})) << "it can be used at once";
        ASSERT_TRUE(held.hold_until(HeldAddress::now() + 200s));
        EXPECT_TRUE(ip_says(address.ip).contains("valid_lft 19")) << "it was renewed: " << ip_says(address.ip);
        ASSERT_TRUE(held.drop());
        EXPECT_FALSE(held.holds());
        EXPECT_EQ(ip_says(address.ip), "");
        EXPECT_TRUE(held.drop()) << "and again";
    }
}

TEST_F(HeldAddressTest, IsGivenBackByItsOwner) {
    {
        HeldAddress first = open(ipv4);
        ASSERT_TRUE(first.hold_until(HeldAddress::now() + 60s));
        const HeldAddress moved = std::move(first);
        EXPECT_NE(ip_says(ipv4.ip), "");
    }
    EXPECT_EQ(ip_says(ipv4.ip), "");
}

TEST_F(HeldAddressTest, IsGivenBackThoughAnEarlierProcessSetIt) {
    for (const auto& address : {ipv4, ipv6}) {
        ASSERT_TRUE(ip("addr add " + address.ip + (address.is_ipv6() ? "/128" : "/32") + " dev mpsup0"));
        HeldAddress held = open(address);
        ASSERT_TRUE(held.drop());
        EXPECT_EQ(ip_says(address.ip), "");
    }
}

TEST_F(HeldAddressTest, LeavesAloneWhatItNeitherSetNorWasToDrop) {
    ASSERT_TRUE(ip("addr add 10.9.0.100/32 dev mpsup0"));
    {
        const HeldAddress held = open(ipv4);
    }
    EXPECT_NE(ip_says(ipv4.ip), "");
}

TEST_F(HeldAddressTest, IsTakenByTheKernelFromWhoDoesNothing) {
    for (const auto& address : {ipv4, ipv6}) {
        HeldAddress held = open(address);
        const auto deadline = HeldAddress::now() + 3500ms;
        ASSERT_TRUE(held.hold_until(deadline));
        EXPECT_TRUE(wait_until_gone(address, 10s));
        EXPECT_LT(HeldAddress::now(), deadline + 100ms) << "not later than it was to be";
        EXPECT_TRUE(held.drop()) << "which is no error";
    }
}

TEST_F(HeldAddressTest, SaysWhenItsTimeIsOver) {
    HeldAddress held = open(ipv4);
    const auto deadline = HeldAddress::now() + 2200ms;
    ASSERT_TRUE(held.hold_until(deadline));
    EXPECT_FALSE(becomes_readable(held.expired(), 0ms));
    EXPECT_TRUE(becomes_readable(held.expired(), 10s));
    EXPECT_GE(HeldAddress::now(), deadline);
    EXPECT_FALSE(held.holds());
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    EXPECT_TRUE(held.holds()) << "it may be had again";
    EXPECT_FALSE(becomes_readable(held.expired(), 0ms));
    ASSERT_TRUE(held.drop());
}

TEST_F(HeldAddressTest, IsNotTakenForNoTime) {
    HeldAddress held = open(ipv4);
    EXPECT_EQ(held.hold_until(HeldAddress::now() + 1900ms).error().code.value(), ETIME);
    EXPECT_EQ(ip_says(ipv4.ip), "");
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    EXPECT_FALSE(held.hold_until(HeldAddress::now() - 1s));
    EXPECT_TRUE(held.holds()) << "as before";
}

TEST_F(HeldAddressTest, IsToldToTheNeighboursOfIpv4) {
    const Wire wire(ETHERTYPE_ARP);
    HeldAddress held = open(ipv4);
    const std::string mac = text_of(*held.interface().mac), ip = text_of(ipv4.bytes());
    const std::string announcement = std::string("\xff\xff\xff\xff\xff\xff", 6) + mac +
                                     std::string("\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10) + mac + ip +
                                     std::string(6, '\0') + ip;
    const auto is_it = [&](const std::string& packet) { return packet.starts_with(announcement); };
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    EXPECT_EQ(times_told(held, wire, is_it, 10s), 3) << "at first, and twice more";
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    EXPECT_EQ(times_told(held, wire, is_it, 700ms), 0) << "it is the same as before";
    ASSERT_TRUE(held.drop());
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    ASSERT_TRUE(held.tell());
    EXPECT_NE(wire.next(is_it), "") << "it is new again";
}

TEST_F(HeldAddressTest, IsToldToTheNeighboursOfIpv6) {
    const Wire wire(ETHERTYPE_IPV6);
    HeldAddress held = open(ipv6);
    ASSERT_TRUE(held.hold_until(HeldAddress::now() + 60s));
    ASSERT_TRUE(held.tell());
    const std::string packet =
        wire.next([](const std::string& bytes) { return bytes.size() > 54 && bytes[54] == '\x88'; });
    ASSERT_EQ(packet.size(), 86U);
    EXPECT_EQ(packet.substr(0, 6), std::string("\x33\x33\0\0\0\x01", 6)) << "to all nodes";
    EXPECT_EQ(packet[21], '\xff') << "hop limit";
    EXPECT_EQ(packet[58], '\x20') << "override";
    EXPECT_EQ(packet.substr(62, 16), text_of(ipv6.bytes()));
    EXPECT_EQ(packet.substr(78), std::string("\x02\x01", 2) + text_of(*held.interface().mac));
}

TEST_F(HeldAddressTest, SaysWhyItCannotBeHad) {
    EXPECT_FALSE(HeldAddress::open({"192.0.2.1", 24}));
    HeldAddress held = open(ipv4);
    ASSERT_TRUE(ip("link del mpsup0"));
    EXPECT_EQ(held.hold_until(HeldAddress::now() + 60s).error().to_string(),
              "set 10.9.0.100 on mpsup0: No such device");
    EXPECT_FALSE(held.holds());
}

TEST_F(HeldAddressTest, SaysInTimeWhatCouldNotBeRenewed) {
    HeldAddress held = open(ipv4);
    const auto deadline = HeldAddress::now() + 2200ms;
    ASSERT_TRUE(held.hold_until(deadline));
    ASSERT_TRUE(ip("link del mpsup0"));
    EXPECT_FALSE(held.hold_until(deadline + 60s));
    EXPECT_TRUE(becomes_readable(held.expired(), 10s));
    EXPECT_LT(HeldAddress::now(), deadline + 5s);
}

} // namespace
} // namespace mpsup
