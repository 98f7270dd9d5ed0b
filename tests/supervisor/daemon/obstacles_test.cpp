#include "supervisor/daemon/obstacles.h"

#include <array>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mpsup {
namespace {

topology::Topology site_of(topology::WorkerSpec worker) {
    topology::Topology topology;
    worker.name = "web";
    topology.workers.push_back(std::move(worker));
    return topology;
}

TEST(Obstacles, NoneWhereTheMachineHasAll) {
    topology::WorkerSpec worker;
    worker.listen = {{"0.0.0.0", 80}, {"127.0.0.1", 80}, {"127.9.9.9", 80}, {"::", 80}};
    worker.root = "/usr";
    EXPECT_TRUE(obstacles_to(site_of(worker)).empty());
}

TEST(Obstacles, NamesAnAddressOfAnotherMachine) {
    topology::WorkerSpec worker;
    worker.listen = {{"192.0.2.7", 80}}; // RFC 5737: nobody's
    const auto found = obstacles_to(site_of(worker));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0], "workers.web.listen: this machine does not have 192.0.2.7:80");
    EXPECT_TRUE(obstacles_to(site_of(worker), "192.0.2.7").empty()) << "one that follows a living machine may be away";
}

TEST(Obstacles, NamesTheMachinesOwnAddressOnce) {
    topology::WorkerSpec worker;
    worker.listen = {{"192.0.2.7", 80}};
    topology::Topology share = site_of(worker);
    share.machines = {{"app1", "192.0.2.7"}};
    share.here = "app1";
    const auto found = obstacles_to(share);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0], "machines.app1.address: this machine does not have 192.0.2.7");
}

topology::Topology with_vip(topology::Vip vip) {
    topology::WorkerSpec worker;
    worker.listen = {{vip.ip, 80}};
    topology::Topology share = site_of(worker);
    share.machines = {{"web1", "127.0.0.1"}, {"web2", "127.0.0.2"}};
    share.here = "web1";
    share.vip = std::move(vip);
    return share;
}

TEST(Obstacles, NamesAVipThatHasNoInterfaceHere) {
    topology::Topology share =
        with_vip({"203.0.113.7", 24, {"web2", "web1"}}); // RFC 5737, and fewer have it than 192.0.2.0/24
    const auto found = obstacles_to(share, share.vip.ip);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(
        found[0].starts_with("vip: no interface of this machine has another address in the network of 203.0.113.7/24"))
        << found[0];
    share.vip.on = {"web2"};
    EXPECT_TRUE(obstacles_to(share, share.vip.ip).empty()) << "it never comes here";
    share = with_vip({"127.9.9.9", 8, {"web1"}});
    EXPECT_TRUE(obstacles_to(share, share.vip.ip).empty()) << "loopback is in its network";
}

// Of this thread, until the end.
class Capabilities {
public:
    Capabilities() { ok_ = ::syscall(SYS_capget, &header_, before_.data()) == 0; }
    ~Capabilities() { set(before_); }
    Capabilities(const Capabilities&) = delete;
    Capabilities& operator=(const Capabilities&) = delete;
    [[nodiscard]] bool has_net_admin() const { return ok_ && (before_[0].effective & net_admin) != 0; }
    bool give_up_net_admin() {
        auto fewer = before_;
        fewer[0].effective &= ~net_admin;
        return ok_ && set(fewer);
    }

private:
    using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
    static constexpr unsigned net_admin = CAP_TO_MASK(CAP_NET_ADMIN);
    bool set(const Sets& sets) { return ::syscall(SYS_capset, &header_, sets.data()) == 0; }
    __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
    Sets before_{};
    bool ok_ = false;
};

TEST(Obstacles, DoubtsThatAVipCanBeSetWithoutTheRight) {
    topology::Topology share = with_vip({"127.9.9.9", 8, {"web1"}});
    Capabilities own;
    EXPECT_EQ(doubt_about_vip(share).empty(), own.has_net_admin());
    ASSERT_TRUE(own.give_up_net_admin());
    EXPECT_TRUE(doubt_about_vip(share).contains("CAP_NET_ADMIN"));
    share.vip.on = {"web2"};
    EXPECT_EQ(doubt_about_vip(share), "") << "it never comes here";
    share.vip = {};
    EXPECT_EQ(doubt_about_vip(share), "");
}

TEST(Obstacles, NamesWhatIsNotThere) {
    topology::WorkerSpec worker;
    worker.kind = topology::Kind::dynamic;
    worker.app = "/nonexistent/app.psgi";
    const auto found = obstacles_to(site_of(worker));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].find("/nonexistent/app.psgi"), std::string::npos) << found[0];
}

} // namespace
} // namespace mpsup
