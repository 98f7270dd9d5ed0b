#include "supervisor/daemon/machines_answers.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace mpsup {
namespace {

namespace json = boost::json;

const std::vector<ClusterMachine> machines{{.name = "app1", .api = "10.9.0.2:7117"},
                                           {.name = "app2", .lives = true},
                                           {.name = "web1", .api = "10.9.0.1:7117", .is_here = true},
                                           {.name = "web2", .api = "10.9.0.3:7117"}};
constexpr auto own = R"({"version":1,"answers":[{"worker":"front","answer":{"backends":[]}}]})";

TEST(MachinesAnswers, AreOneListWithTheMachineOfEach) {
    const json::value all = json::parse(machines_answers(
        own, machines,
        {{"app1", R"({"version":1,"answers":[]})", ""},
         {"web2", R"({"answers":[{"worker":"front","error":"front does not serve","machine":"web7"}]})", ""}}));
    EXPECT_EQ(all, json::parse(R"({"version":1,"answers":[
        {"machine":"app2","error":"it does not say where it can be asked"},
        {"worker":"front","answer":{"backends":[]},"machine":"web1"},
        {"worker":"front","error":"front does not serve","machine":"web2"}]})"));
}

TEST(MachinesAnswers, NameWhoDidNotAnswerAndTakeNoRubbish) {
    for (const char* rubbish : {"", "what?", "[]", R"({"answers":{}})", R"({"answers":[1,"x"]})"}) {
        const json::value all = json::parse(machines_answers(rubbish, {machines[0]}, {{"app1", rubbish, ""}}));
        EXPECT_LE(all.at("answers").as_array().size(), 1U) << rubbish;
    }
    const json::value silent = json::parse(machines_answers(own, {machines[0]}, {{"app1", "", "no answer in time"}}));
    EXPECT_EQ(silent.at("answers").at(0).at("error"), "no answer in time");
}

} // namespace
} // namespace mpsup
