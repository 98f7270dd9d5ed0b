#include "supervisor/cli/backends_view.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>

namespace mpsup::cli {
namespace {

constexpr auto document = R"({"version":1,"site":"s","workers":[{"name":"docs","kind":"static"},)"
                          R"({"name":"front","kind":"accelerator"},{"name":"late","kind":"accelerator"}]})";
constexpr auto said =
    R"({"backends":[{"route":1,"path":"/api/","address":"10.0.0.1:8090","state":"up","in_flight":3,"failures":0,)"
    R"("left_ms":0,"check":{"ago_ms":2000,"passed":true}},{"route":1,"path":"/api/","address":"10.0.0.2:8090",)"
    R"("state":"ejected","in_flight":0,"failures":5,"left_ms":8000,"check":null}],"left_out":0})";

TEST(BackendsView, IsATableOfWhatEachAcceleratorSaid) {
    const std::string status = with_backends(document, {{"front", "", said}, {"late", "late does not answer", ""}});
    EXPECT_EQ(backends_table(status), "BACKEND        WORKER  STATE             BUSY  FAILED  CHECK          ROUTE\n"
                                      "10.0.0.1:8090  front   up                3     0       passed 2s ago  /api/\n"
                                      "10.0.0.2:8090  front   ejected, 8s left  0     5       -              /api/\n");
}

TEST(BackendsView, FitsThePage) {
    const auto table_of = [](const std::string& worker, const std::string& address) {
        std::string status = document;
        status.replace(status.find("\"front\""), 7, '"' + worker + '"');
        const std::string one = R"({"backends":[{"route":1,"path":"/a/long/path/","address":")" + address +
                                R"(","state":"ejected","in_flight":30,"failures":0,"left_ms":8000,)" +
                                R"("check":{"passed":true,"ago_ms":12000}}]})";
        ::setenv("COLUMNS", "80", 1);
        std::string table = backends_table(with_backends(status, {{worker, "", one}}));
        ::unsetenv("COLUMNS");
        std::istringstream lines(table);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << table;
        return table;
    };
    const std::string table = table_of("front", "10.9.0.12:8090");
    EXPECT_TRUE(table.contains("\n10.9.0.12:8090  front   ejected, 8s left  30 ")) << table;
    table_of("a_worker_with_quite_a_long_name", "192.168.100.100:65535");
}

TEST(BackendsView, StandsInTheDocument) {
    const std::string status = with_backends(document, {{"front", "", said}});
    EXPECT_NE(status.find(R"("name":"front","kind":"accelerator","backends":[{"route":1,)"), std::string::npos)
        << status;
    EXPECT_EQ(status.find("backends", status.find("late")), std::string::npos);
}

TEST(BackendsView, IsNothingWhereThereAreNone) {
    EXPECT_EQ(backends_table(document), "");
    EXPECT_EQ(with_backends(document, {{"front", "", R"({"backends":[]})"}}), document);
    EXPECT_EQ(with_backends(document, {{"front", "", "what?"}}), document);
    EXPECT_TRUE(has_accelerator(document));
    EXPECT_FALSE(has_accelerator(R"({"workers":[{"name":"docs","kind":"static"}]})"));
}

TEST(BackendsView, SaysInALineHowABackendIs) {
    const auto backends = boost::json::parse(said).as_object()["backends"].as_array();
    EXPECT_EQ(backend_line(backends[0].as_object()), "up, 3 in flight, check passed 2s ago");
    EXPECT_EQ(backend_line(backends[1].as_object()), "ejected, 8s left, 0 in flight, 5 failed in a row");
}

} // namespace
} // namespace mpsup::cli
