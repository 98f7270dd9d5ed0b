#include "supervisor/topology/copy_on_write.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::topology {
namespace {

TEST(CopyOnWrite, IsOneInMemoryUntilItIsChanged) {
    CopyOnWrite<std::string> one(std::string("as it was"));
    CopyOnWrite<std::string> other = one;
    EXPECT_EQ(&*one, &*other);
    other.edit() += ", changed";
    EXPECT_EQ(*one, "as it was");
    EXPECT_EQ(*other, "as it was, changed");
}

TEST(CopyOnWrite, IsNotCopiedForWhoHoldsItAlone) {
    CopyOnWrite<std::string> value(std::string("as it was"));
    const std::string* before = &*value;
    value.edit() += ", changed";
    EXPECT_EQ(&*value, before);
}

} // namespace
} // namespace mpsup::topology
