#include "supervisor/daemon/machines_status.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace mpsup {
namespace {

namespace json = boost::json;

std::string status_of(const std::string& site, const std::string& worker) {
    return R"({"version":1,"site":")" + site +
           R"(","topology":{"path":"/a.yaml","digest":"d"},"supervisor":{"pid":7},)" + R"("workers":[{"name":")" +
           worker + R"(","machine":"here","state":"ready"}]})";
}

const std::vector<ClusterMachine> machines{
    {.name = "app1", .address = "10.9.0.2", .api = "10.9.0.2:7117", .state = "well", .number = 7},
    {.name = "app2", .address = "10.9.0.3", .api = "10.9.0.3:7117", .state = "absent"},
    {.name = "app3", .address = "10.9.0.4", .state = "absent"},
    {.name = "web1", .address = "10.9.0.1", .api = "10.9.0.1:7117", .state = "well", .number = 8, .is_here = true}};

TEST(MachinesStatus, IsOneFlatListOfWorkersAndARowForEachMachine) {
    const json::value document =
        json::parse(machines_status(status_of("shop", "front"), machines,
                                    {{"app1", status_of("shop", "pool"), ""}, {"app2", "", "no answer in time"}}));
    EXPECT_EQ(document.at("version"), 1);
    EXPECT_EQ(document.at("site"), "shop");
    EXPECT_EQ(document.at("supervisor").at("pid"), 7);
    const json::array& workers = document.at("workers").as_array();
    ASSERT_EQ(workers.size(), 2U);
    EXPECT_EQ(workers[0].at("name"), "pool");
    EXPECT_EQ(workers[0].at("machine"), "app1");
    EXPECT_EQ(workers[1].at("name"), "front");
    EXPECT_EQ(workers[1].at("machine"), "web1");
    const json::array& rows = document.at("machines").as_array();
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[0].at("answered"), true);
    EXPECT_EQ(rows[0].at("number"), 7);
    EXPECT_EQ(rows[0].at("supervisor").at("pid"), 7);
    EXPECT_FALSE(rows[0].as_object().contains("why"));
    EXPECT_EQ(rows[1].at("answered"), false);
    EXPECT_EQ(rows[1].at("why"), "no answer in time");
    EXPECT_EQ(rows[2].at("why"),
              "the store knows no supervisor of that name: `mpsup supervise --machine app3 --cluster …` "
              "there starts one; if one runs, its log says why");
    EXPECT_EQ(rows[3].at("here"), true);
    EXPECT_EQ(rows[3].at("answered"), true);
}

TEST(MachinesStatus, TakesNoRubbish) {
    for (const char* rubbish :
         {"", "nonsense", "[]", "{}", R"({"version":2,"workers":[]})", R"({"version":1,"workers":{}})"}) {
        const json::value document =
            json::parse(machines_status(status_of("shop", "front"), machines, {{"app1", rubbish, ""}}));
        EXPECT_EQ(document.at("machines").at(0).at("answered"), false) << rubbish;
        EXPECT_EQ(document.at("workers").as_array().size(), 1U) << rubbish;
    }
    const json::value document = json::parse(
        machines_status(status_of("shop", "front"), machines, {{"app1", R"({"version":1,"workers":[1,"x",{}]})", ""}}));
    EXPECT_EQ(document.at("workers").as_array().size(), 2U);
}

TEST(MachinesStatus, NarrowedToOthersKeepsWhatIsSaidOfTheSite) {
    const json::value document = json::parse(
        machines_status(status_of("shop", "front"), {machines[0]}, {{"app1", status_of("shop", "pool"), ""}}));
    EXPECT_EQ(document.at("workers").as_array().size(), 1U);
    EXPECT_EQ(document.at("machines").as_array().size(), 1U);
    EXPECT_EQ(document.at("topology").at("path"), "/a.yaml");
}

TEST(MachinesJson, ListsThem) {
    EXPECT_EQ(machines_json({}), R"({"version":1,"machines":[]})");
    EXPECT_EQ(json::parse(machines_json(machines)).at("machines").at(3).at("name"), "web1");
}

} // namespace
} // namespace mpsup
