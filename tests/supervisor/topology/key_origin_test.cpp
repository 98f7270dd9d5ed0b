#include "supervisor/topology/key_origin.h"

#include "supervisor/topology/yaml_reader.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

int line_of_key(const std::vector<std::string>& path) {
    const auto root = read_yaml("site: s\nworkers:\n  w:\n    kind: accelerator\n    pool: 3\n    expires: 1h\n"
                                "    health: {path: /up}\n    routes:\n      - path: /\n        cache: off\n");
    const auto mark = origin_of(**root, path);
    return mark ? mark->line : 0;
}

TEST(KeyOrigin, IsTheLineOfTheKey) {
    EXPECT_EQ(line_of_key({"site"}), 1);
    EXPECT_EQ(line_of_key({"workers", "w", "kind"}), 4);
    EXPECT_EQ(line_of_key({"workers", "w", "health", "path"}), 7);
    EXPECT_EQ(line_of_key({"workers", "w", "routes", "0", "path"}), 9);
}

TEST(KeyOrigin, OfAShorthandIsItsSection) {
    EXPECT_EQ(line_of_key({"workers", "w", "pool", "size"}), 5);
    EXPECT_EQ(line_of_key({"workers", "w", "pool", "max"}), 0);
    EXPECT_EQ(line_of_key({"workers", "w", "expires", "/"}), 6);
}

TEST(KeyOrigin, OfADefaultIsNowhere) {
    EXPECT_EQ(line_of_key({"binaries"}), 0);
    EXPECT_EQ(line_of_key({"workers", "w", "health", "every"}), 0);
    EXPECT_EQ(line_of_key({"workers", "v", "kind"}), 0);
    EXPECT_EQ(line_of_key({"workers", "w", "routes", "1", "path"}), 0);
}

} // namespace
} // namespace mpsup::topology
