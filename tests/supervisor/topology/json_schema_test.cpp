#include "supervisor/topology/json_schema.h"

#include "base/fd.h"
#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

TEST(JsonSchema, IsWhatTheFileInTheTreeHolds) {
    const auto committed = read_file(MPSUP_SOURCE_DIR "/topologies/schema.json", 1U << 20U);
    ASSERT_TRUE(committed) << committed.error().to_string();
    EXPECT_TRUE(*committed == json_schema()) << "make it anew: mpsup schema > topologies/schema.json";
}

TEST(JsonSchema, KnowsEveryKeyOfThisVersionAndItsText) {
    const std::string schema = json_schema();
    for (const Key& key : all_keys()) {
        if (!key.in_this_version) {
            EXPECT_FALSE(schema.contains("\"" + std::string(key.name()) + "\": {\"description\"")) << key.path;
            continue;
        }
        EXPECT_TRUE(schema.contains("\"" + std::string(key.name()) + "\": {")) << key.path;
        std::string doc(key.doc);
        for (auto at = doc.find('"'); at != std::string::npos; at = doc.find('"', at + 2)) doc.insert(at, "\\");
        EXPECT_TRUE(schema.contains(doc)) << key.path;
    }
}

} // namespace
} // namespace mpsup::topology
