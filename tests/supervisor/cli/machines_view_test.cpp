#include "supervisor/cli/machines_view.h"

#include "supervisor/cli/backends_view.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/status_view.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace mpsup::cli {
namespace {

std::string worker(const std::string& machine, const std::string& name, const std::string& more = {}) {
    return R"({"name":")" + name + R"(","kind":"accelerator","machine":")" + machine +
           R"(","state":"ready","ready":2,"wanted":2,"generation":1234,"restarts":{"crash":12,"planned":3},)" +
           R"("health":{"state":"healthy"},"listen":["10.9.0.1:8080","10.9.0.1:8443"],"processes":[{"pid":4194303,)" +
           R"("role":"child","state":"finishing","generation":1234,"requests":123456,"private_bytes":12345678,)" +
           R"("shared_bytes":1,"started_at":"2026-01-31T12:00:00.000Z","request":{"method":"GET","uri":"/a/long/path","age_ms":10}}])" +
           more + "}";
}

std::string document(const std::string& workers, const std::string& machines) {
    return R"({"version":1,"site":"shop","layout":"machines","supervisor":{"state":"running","pid":7},"workers":[)" +
           workers + R"(],"machines":[)" + machines + "]}";
}

constexpr auto web1 = R"({"name":"web1","state":"living","address":"10.9.0.1","number":7,"here":true,"answered":true})";
constexpr auto app1 =
    R"({"name":"app1","state":"absent","address":"10.9.0.2","number":0,"here":false,"answered":false,)"
    R"("why":"no answer in time"})";
constexpr auto app2 =
    R"({"name":"app2","state":"drained","address":"10.9.0.3","number":6,"here":false,"answered":true,)"
    R"("note":"it runs another topology than is wanted"})";
const std::string all = std::string(web1) + "," + app1 + "," + app2;

class Page {
public:
    explicit Page(const char* columns) { ::setenv("COLUMNS", columns, 1); }
    ~Page() { ::unsetenv("COLUMNS"); }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
};

std::size_t widest_line(const std::string& text) {
    std::istringstream lines(text);
    std::size_t widest = 0;
    for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
    return widest;
}

TEST(MachinesView, HasARowForEachMachineThatSaysWhoIsSilent) {
    EXPECT_EQ(machines_table(parse_object(document("", all))),
              "MACHINE  STATE    TOPOLOGY  ADDRESS   REMARK\n"
              "web1     living   7         10.9.0.1  \n"
              "app1     absent   -         10.9.0.2  does not answer: no answer in time\n"
              "app2     drained  6         10.9.0.3  it runs another topology than is wanted\n");
    EXPECT_EQ(silent_machines(parse_object(document("", all))), "app1 does not answer: no answer in time\n");
}

TEST(MachinesView, KnowsWhoRunsSomethingElse) {
    const auto of = [](const std::string& number, const char* more) {
        return what_else_runs(parse_object(R"({"name":"a","state":"living","number":)" + number + "," + more + "}"), 7,
                              "d");
    };
    EXPECT_EQ(of("7", R"("answered":true,"topology":{"digest":"d"})"), "");
    EXPECT_EQ(of("7", R"("answered":true,"topology":{"digest":"e"})"),
              "runs a worker of another topology, as after `rollback WORKER`");
    EXPECT_EQ(of("6", R"("answered":true,"topology":{"digest":"d"})"), "runs topology 6");
    EXPECT_EQ(of("0", R"("answered":true)"), "runs no topology of the cluster");
    EXPECT_EQ(of("7", R"("answered":false,"why":"no answer in time")"),
              "does not say what it runs (living: no answer in time)");
    EXPECT_EQ(what_else_runs(parse_object(R"({"answered":true,"number":0,"topology":{"digest":"e"}})"), 0, ""), "")
        << "nothing was brought up anywhere";
}

TEST(MachinesView, SaysWhatIsWrongWithTheStore) {
    const auto of = [](const char* cluster) {
        const std::string table =
            machines_table(parse_object(std::string(R"({"cluster":)") + cluster + R"(,"machines":[]})"));
        return table.substr(0, table.find("MACHINE"));
    };
    EXPECT_EQ(of(R"({"state":"connected"})"), "");
    EXPECT_EQ(of(R"({"state":"alone","why":"connect: refused"})"), "cluster: alone, connect: refused\n");
}

TEST(MachinesView, SaysWhoHasTheAddressThatFollowsAMachine) {
    const auto of = [](const std::string& state, const std::string& machine) {
        const std::string table = machines_table(parse_object(R"({"cluster":{"state":")" + state +
                                                              R"(","vips":[{"address":"10.9.0.100/24","machine":")" +
                                                              machine + R"("}]},"machines":[]})"));
        return table.substr(table.find("REMARK\n") + 7);
    };
    EXPECT_EQ(of("connected", "web1"), "vip 10.9.0.100/24: web1\n");
    EXPECT_EQ(of("connected", ""), "vip 10.9.0.100/24: no machine has it\n");
    EXPECT_EQ(of("alone", ""), "vip 10.9.0.100/24: who has it is not known\n");
}

TEST(MachinesView, WorkersOfAllMachinesFitThePage) {
    const Page page("80");
    const std::string status = document(
        worker("web1", "httpd_docs") + "," + worker("app-frankfurt-17", "a_worker_with_quite_a_long_name"), all);
    EXPECT_LE(widest_line(workers_table(status)), 80U) << workers_table(status);
    EXPECT_LE(widest_line(processes_table(status)), 80U) << processes_table(status);
    EXPECT_NE(workers_table(status).find("app-frankfu+  a_worker_with_quite+  ready"), std::string::npos)
        << workers_table(status);
}

TEST(MachinesView, InAPipeNothingIsCut) {
    const std::string status = document(worker("app-frankfurt-17", "a_worker_with_quite_a_long_name"), all);
    EXPECT_NE(workers_table(status).find(
                  "app-frankfurt-17  a_worker_with_quite_a_long_name  ready  2/2    1234  12     healthy  "
                  "10.9.0.1:8080,10.9.0.1:8443\n"),
              std::string::npos)
        << workers_table(status);
}

TEST(MachinesView, WhatIsWrongWithAWorkerNamesItsMachine) {
    const std::string status = document(worker("app1", "app", R"(,"maintenance":true,"impaired":"no disk")"), all);
    EXPECT_NE(workers_table(status).find("app1 app: no disk\napp1 app: in maintenance"), std::string::npos)
        << workers_table(status);
}

TEST(MachinesView, OfOneMachineNothingOfItIsShown) {
    const std::string status = R"({"version":1,"site":"s","supervisor":{"state":"running","pid":7},"workers":[)" +
                               worker("here", "docs") + "]}";
    EXPECT_EQ(workers_table(status).find("MACHINE"), std::string::npos);
    EXPECT_EQ(workers_table(status).find("here"), std::string::npos);
    EXPECT_NE(workers_table(status).find("WORKER  KIND         STATE  READY  GEN   CRASH  PLAN  HEALTH   LISTEN\n"
                                         "docs    accelerator  ready  2/2    1234  12     3     healthy  "),
              std::string::npos)
        << workers_table(status);
    EXPECT_TRUE(all_machines_answered(parse_object(status)));
}

TEST(MachinesView, AMachineThatDoesNotAnswerIsAsBadAsOneThatIsUnwell) {
    EXPECT_EQ(exit_code_of({document(worker("web1", "docs"), web1), true}), ok);
    EXPECT_EQ(exit_code_of({document(worker("web1", "docs"), all), true}), unhealthy);
    const std::string stopped = R"({"name":"x","machine":"web1","state":"failed","ready":0,"wanted":1})";
    EXPECT_EQ(exit_code_of({document(stopped, all), true}), not_running);
}

TEST(MachinesView, AddressesAreThoseWhereClientsComeInOnAllMachines) {
    const auto at = [](const char* machine, const char* name, const char* listen, const char* more = "") {
        return R"({"name":")" + std::string(name) + R"(","machine":")" + machine + R"(","listen":[)" + listen + "]" +
               more + "}";
    };
    const std::string machines =
        R"({"name":"app1","address":"10.9.0.2"},{"name":"web1","address":"10.9.0.1"},{"name":"web2","address":"10.9.0.3"})";
    const std::string workers = at("app1", "app-gateway", R"("10.9.0.2:8090")", R"(,"gateway_of":"app")") + "," +
                                at("app1", "app", "") + "," + at("app1", "own", R"("127.0.0.1:81")") + "," +
                                at("web1", "front", R"("10.9.0.100:80","0.0.0.0:80")") + "," +
                                at("web2", "front", R"("10.9.0.100:80","0.0.0.0:80")");
    EXPECT_EQ(addresses_table(document(workers, machines)), "WORKER  ADDRESS               MACHINE\n"
                                                            "front   http://10.9.0.100:80  web1, web2\n"
                                                            "front   http://10.9.0.1:80    web1\n"
                                                            "front   http://10.9.0.3:80    web2\n");
}

TEST(MachinesView, OneThatWasRemovedNeedNotAnswer) {
    const std::string removed =
        R"({"name":"app3","state":"removed","address":"10.9.0.4","number":0,"answered":false,"why":"it does not say",)"
        R"("note":"counted no more"})";
    const std::string status = document(worker("web1", "docs"), web1 + std::string(",") + removed);
    EXPECT_EQ(exit_code_of({status, true}), ok);
    EXPECT_TRUE(
        machines_table(parse_object(status)).contains("app3     removed  -         10.9.0.4  counted no more\n"));
    EXPECT_EQ(silent_machines(parse_object(status)), "");
}

TEST(MachinesView, ASiteWithoutItsStoreIsUnhealthyThoughAllOfItServes) {
    for (const auto& [state, code] : {std::pair("connected", ok), {"alone", unhealthy}, {"unaccepted", unhealthy}}) {
        std::string status = document(worker("web1", "docs"), web1);
        status.insert(1, R"("cluster":{"state":")" + std::string(state) + R"("},)");
        EXPECT_EQ(exit_code_of({status, true}), code) << state;
    }
}

TEST(MachinesView, BackendsAreThoseOfTheirMachine) {
    const std::string status =
        document(worker("web1", "front") + "," + worker("web1", "docs") + "," + worker("web2", "front"), web1);
    EXPECT_EQ(machines_with_accelerators(status), (std::vector<std::string>{"web1", "web2"}));
    const std::string backends = R"({"backends":[{"address":"10.9.0.2:9000","state":"up","path":"/"}]})";
    const std::string with =
        with_backends(status, {{"front", "", backends, "web2"}, {"", "no answer in time", "", "web1"}});
    const auto workers = objects_at(parse_object(with), "workers");
    EXPECT_FALSE(workers[0].contains("backends"));
    EXPECT_FALSE(workers[1].contains("backends"));
    EXPECT_TRUE(workers[2].contains("backends"));
    EXPECT_EQ(backends_table(with), "MACHINE  BACKEND        WORKER  STATE  BUSY  FAILED  CHECK  ROUTE\n"
                                    "web2     10.9.0.2:9000  front   up     0     0       -      /\n");
}

} // namespace
} // namespace mpsup::cli
