#include "state/fingerprint.h"

#include <gtest/gtest.h>

namespace mpsup::state {
namespace {

TEST(Fingerprint, IsTheSameForEver) { // it is on the disk
    EXPECT_EQ(fingerprint_of({}), "cbf29ce484222325");
    EXPECT_EQ(fingerprint_of({"/srv/app.psgi:12 Shop::report", "/srv/app.psgi:40 (eval)"}), "20bfb9b60efa0fda");
}

TEST(Fingerprint, LooksPastLines) {
    EXPECT_EQ(fingerprint_of({"a.pl:1 main::a", "b.pl:2 main::b"}),
              fingerprint_of({"a.pl:10 main::a", "b.pl:2 main::b"}));
    EXPECT_EQ(fingerprint_of({"a.pl:1"}), fingerprint_of({"a.pl:22"})); // without a sub
    EXPECT_EQ(fingerprint_of({"C:/my files/a:7.pl:1 main::a"}), fingerprint_of({"C:/my files/a:7.pl:2 main::a"}));
}

TEST(Fingerprint, LooksPastTheNumbersOfStringEvals) {
    EXPECT_EQ(fingerprint_of({"(eval 7):1 main::a"}), fingerprint_of({"(eval 1234):2 main::a"}));
    EXPECT_NE(fingerprint_of({"(eval 7):1 main::a"}), fingerprint_of({"(eval 7):1 main::b"}));
}

TEST(Fingerprint, TellsPlacesApart) {
    const std::string one = fingerprint_of({"a.pl:1 main::a", "b.pl:2 main::b"});
    EXPECT_NE(fingerprint_of({"a.pl:1 main::other", "b.pl:2 main::b"}), one);
    EXPECT_NE(fingerprint_of({"c.pl:1 main::a", "b.pl:2 main::b"}), one);
    EXPECT_NE(fingerprint_of({"a.pl:1 main::a", "b.pl:2 main::other"}), one); // another way there
    EXPECT_NE(fingerprint_of({"a.pl:1 main::a"}), one);
    EXPECT_NE(fingerprint_of({"b.pl:2 main::b", "a.pl:1 main::a"}), one);
    EXPECT_NE(fingerprint_of({"a7.pl:1 main::a"}), fingerprint_of({"a8.pl:1 main::a"}));
    EXPECT_NE(fingerprint_of({"a:7.pl:1 main::a"}), fingerprint_of({"a:8.pl:1 main::a"}));
}

TEST(Fingerprint, TakesAnythingForAFrame) {
    for (const char* frame : {"", ":", ":1", " ", "a", "a:", "a: b", ":1 a", "::1", "(eval ", "(eval 1", "\xff\n:3 \n"})
        EXPECT_EQ(fingerprint_of({frame}).size(), 16U) << frame;
    EXPECT_NE(fingerprint_of({"Shop::Cart::add"}), fingerprint_of({"Shop::Cart::remove"}));
}

} // namespace
} // namespace mpsup::state
