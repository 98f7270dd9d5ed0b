#include "supervisor/cli/topologies_view.h"

#include "supervisor/cli/terminal.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>

namespace mpsup::cli {
namespace {

constexpr auto answer =
    R"({"version":1,"topologies":[)"
    R"({"number":8,"at_ms":2000,"digest":"sha256:0123456789abcdef","path":"/etc/shop.yaml","who":"anna","from":"web1","outcome":"refused",)"
    R"("note":"app1: /srv/app is not there"},)"
    R"({"number":7,"at_ms":1000,"digest":"sha256:fedcba","path":"/etc/shop.yaml","who":"root","from":"app1","outcome":"done"},)"
    R"({"number":9,"at_ms":3000,"path":"/tmp/\u001b[2Jx.yaml"}]})";

TEST(TopologiesView, SaysWhoAppliedWhatFromWhere) {
    const auto applied = applied_topologies(answer);
    ASSERT_EQ(applied.size(), 3U);
    const std::string when = local_time(1000);
    EXPECT_EQ(topologies_table(applied),
              "WHEN" + std::string(when.size() - 2, ' ') + "NUMBER  OUTCOME  WHO        TOPOLOGY\n" + when +
                  "  7       done     root@app1  /etc/shop.yaml sha256:fedcba\n" + local_time(2000) +
                  "  8       refused  anna@web1  /etc/shop.yaml sha256:0123456789ab\n" +
                  "    app1: /srv/app is not there\n" + local_time(3000) +
                  "  9       running  -          /tmp/?[2Jx.yaml \n");
}

constexpr auto changes =
    R"({"version":1,"topologies":[{"number":7,"at_ms":2000,"digest":"sha256:fe","path":"/s.yaml","outcome":"done"}],"changes":[)"
    R"({"kind":"restart","at_ms":1000,"workers":["app","docs"],"machines":["app1"],"who":"anna","from":"web1","outcome":"failed","note":"app1: no"},)"
    R"({"kind":"rollback","at_ms":3000,"number":6,"workers":[],"machines":[],"who":"root","from":"app1","outcome":""}]})";

TEST(TopologiesView, SaysWhoRestartedAndRolledBackWhat) {
    const std::string table = topologies_table(applied_topologies(changes));
    EXPECT_NE(table.find("  -       failed   anna@web1  restart of app, docs on app1\n    app1: no\n"),
              std::string::npos)
        << table;
    EXPECT_NE(table.find("  6       running  root@app1  rollback\n"), std::string::npos) << table;
    EXPECT_LT(table.find("restart"), table.find("/s.yaml"));
    EXPECT_LT(table.find("/s.yaml"), table.find("rollback"));
    const auto list = changes_json(applied_topologies(changes));
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(
        boost::json::serialize(list[0]),
        R"({"kind":"restart","at_ms":1000,"number":null,"workers":["app","docs"],"machines":["app1"],"who":"anna","from":"web1","outcome":"failed","note":"app1: no"})");
    EXPECT_EQ(topologies_json(applied_topologies(changes)).size(), 1U);
}

TEST(TopologiesView, SaysWhatWasSaidOfAMachineAsTheVerbDoes) {
    const std::string table = topologies_table(applied_topologies(
        R"({"changes":[{"kind":"drain","at_ms":1000,"machines":["app1"],"who":"anna","from":"web1","outcome":"done","note":"--force"},)"
        R"({"kind":"cluster accept","at_ms":2000,"who":"root","from":"app1","outcome":"done"}]})"));
    EXPECT_NE(table.find("  -       done     anna@web1  drain app1\n    --force\n"), std::string::npos) << table;
    EXPECT_NE(table.find("  -       done     root@app1  cluster accept\n"), std::string::npos) << table;
}

TEST(TopologiesView, FitsThePage) {
    ClusterChange applied{
        .number = 1234567, .at_ms = 1, .digest = "sha256:0123456789abcdef", .path = std::string(100, 'p')};
    applied.who = applied.from = std::string(40, 'w');
    applied.outcome = "rolled_back";
    applied.note = std::string(100, 'n');
    ::setenv("COLUMNS", "80", 1);
    std::istringstream lines(topologies_table({applied}));
    ::unsetenv("COLUMNS");
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(TopologiesView, IsJsonForPrograms) {
    const auto list = topologies_json(applied_topologies(answer));
    EXPECT_EQ(
        boost::json::serialize(list[0]),
        R"({"number":7,"at_ms":1000,"digest":"sha256:fedcba","path":"/etc/shop.yaml","who":"root","from":"app1","outcome":"done","note":""})");
    EXPECT_TRUE(list[2].at("outcome").is_null());
}

TEST(TopologiesView, TakesNoRubbish) {
    for (const char* rubbish : {"", "[]", "{}", R"({"topologies":1})", R"({"topologies":[1,"x"]})"})
        EXPECT_TRUE(applied_topologies(rubbish).empty()) << rubbish;
    EXPECT_EQ(applied_topologies(R"({"topologies":[{"number":-1}]})").at(0).number, 0U);
}

} // namespace
} // namespace mpsup::cli
