#include "supervisor/cli/link_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

CheckedLinks found() {
    CheckedLinks links;
    links.pages.push_back({{.url = "http://h/", .status = 200}, {.worker = "app", .how = "application"}});
    links.pages.push_back(
        {{.url = "http://h/a?b&c", .status = 404, .from = "http://h/", .line = 3}, {.worker = "app"}});
    links.findings.push_back({"broken-link", "http://h/a?b&c", "http://h/", 3, "status <404>\x01"});
    links.findings.push_back({"wrong-tier", "http://h/x", "http://h/", 0, "elsewhere"});
    return links;
}

TEST(LinkReport, AsATableHasPagesAndFindings) {
    const std::string text = link_table(found(), true);
    EXPECT_TRUE(text.contains("200     app     application  http://h/\n")) << text;
    EXPECT_TRUE(text.contains("broken-link")) << text;
    EXPECT_TRUE(text.contains("http://h/:3")) << text;
    EXPECT_TRUE(text.ends_with("2 URLs, 2 findings\n")) << text;
    EXPECT_FALSE(link_table(found(), false).contains("application"));
    CheckedLinks noted;
    EXPECT_EQ(link_table(noted, false), "0 URLs, nothing is wrong\n");
    noted.notes.push_back({"redirected", "http://h/x", "http://h/", 3, "elsewhere"});
    const std::string notes = link_table(noted, false);
    EXPECT_TRUE(notes.starts_with("NOTE        URL         AT\nredirected  http://h/x  http://h/:3\n")) << notes;
    EXPECT_TRUE(notes.ends_with("0 URLs, nothing is wrong, 1 notes\n")) << notes;
}

TEST(LinkReport, AsJson) {
    const auto document = boost::json::parse(link_json(found())).as_object();
    EXPECT_EQ(document.at("version"), 1);
    EXPECT_EQ(document.at("pages").at(0).at("worker"), "app");
    EXPECT_EQ(document.at("findings").at(0).at("code"), "broken-link");
    const std::string lines = link_json_lines(found());
    EXPECT_EQ(std::ranges::count(lines, '\n'), 5);
    EXPECT_TRUE(lines.ends_with("{\"sum\":{\"pages\":2,\"findings\":2,\"notes\":0,\"cut\":\"\"}}\n")) << lines;
    CheckedLinks noted;
    noted.notes.push_back({"redirected", "http://h/x"});
    EXPECT_EQ(boost::json::parse(link_json(noted)).at("notes").at(0).at("code"), "redirected");
    EXPECT_TRUE(link_json_lines(noted).starts_with("{\"note\":{\"code\":\"redirected\"")) << link_json_lines(noted);
    EXPECT_TRUE(link_junit(noted).contains("tests=\"0\" failures=\"0\"")) << "notes are no failures";
}

TEST(LinkReport, AsJunitIsXml) {
    EXPECT_EQ(link_junit(found()), R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="2">
  <testsuite name="mpsup links check" tests="3" failures="2">
    <testcase name="http://h/" classname="app"/>
    <testcase name="http://h/a?b&amp;c" classname="app">
      <failure type="broken-link" message="status &lt;404&gt;?">http://h/:3</failure>
    </testcase>
    <testcase name="http://h/x" classname="links">
      <failure type="wrong-tier" message="elsewhere">http://h/</failure>
    </testcase>
  </testsuite>
</testsuites>
)xml");
}

} // namespace
} // namespace mpsup::cli
