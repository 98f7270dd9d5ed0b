#include "supervisor/process/interface_address.h"

#include "own_network.h"

namespace mpsup {
namespace {

TEST(InterfaceAddress, IsReadFromText) {
    EXPECT_EQ(InterfaceAddress::parse("10.9.0.100/24"), (InterfaceAddress{"10.9.0.100", 24}));
    EXPECT_EQ(InterfaceAddress::parse("fd00:0:0::1/64"), (InterfaceAddress{"fd00::1", 64}));
    for (const char* text :
         {"", "10.9.0.100", "10.9.0.100/", "10.9.0.100/0", "10.9.0.100/33", "10.9.0.100/24x", "10.9.0/24", "a/24",
          "fd00::1/129", "0.0.0.0/8", "::/8", "224.0.0.1/8", "ff02::1/8", "10.9.0.1/-1"})
        EXPECT_FALSE(InterfaceAddress::parse(text)) << text;
}

class FindInterface : public OwnNetwork {};

TEST_F(FindInterface, ThatHasAnAddressOfTheNetwork) {
    for (const InterfaceAddress& address : {InterfaceAddress{"10.9.0.100", 24}, InterfaceAddress{"fd00:9::100", 64}}) {
        const auto found = find_interface(address);
        ASSERT_TRUE(found) << found.error().to_string();
        EXPECT_EQ(found->name, "mpsup0");
        EXPECT_TRUE(found->mac);
    }
    EXPECT_EQ(find_interface({"127.0.0.2", 8}).value().name, "lo");
    EXPECT_FALSE(find_interface({"127.0.0.2", 8}).value().mac);
    const auto none = find_interface({"10.9.1.100", 24});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().what, "no interface of this machine has an address in the network of 10.9.1.100/24");
    EXPECT_TRUE(find_interface({"10.9.1.100", 23})) << "a wider one";
    EXPECT_FALSE(find_interface({"10.9.0.1", 24})) << "the address itself does not say where it belongs";
}

TEST_F(FindInterface, OfAName) {
    EXPECT_EQ(find_interface({"192.0.2.1", 24}, "mpsup1").value().name, "mpsup1");
    EXPECT_EQ(find_interface({"192.0.2.1", 24}, "none").error().to_string(), "interface none: No such device");
}

} // namespace
} // namespace mpsup
