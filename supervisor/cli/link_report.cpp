#include "supervisor/cli/link_report.h"

#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <boost/json.hpp>

#include <map>
#include <set>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

std::string place_of(const LinkFinding& finding) {
    if (finding.page.empty()) return "the start";
    return finding.page + (finding.line > 0 ? ":" + std::to_string(finding.line) : "");
}

std::string status_of(const CheckedPage& page) {
    return page.seen.status == 0 ? "-" : std::to_string(page.seen.status);
}

json::object to_json(const CheckedPage& page) {
    return {{"url", page.seen.url},        {"status", page.seen.status}, {"worker", page.served.worker},
            {"how", page.served.how},      {"type", page.seen.type},     {"bytes", page.seen.bytes},
            {"from", page.seen.from},      {"line", page.seen.line},     {"redirect", page.seen.redirect},
            {"trouble", page.seen.trouble}};
}

json::object to_json(const LinkFinding& finding) {
    return {{"code", finding.code},
            {"url", finding.url},
            {"page", finding.page},
            {"line", finding.line},
            {"message", finding.message}};
}

json::object sum_of(const CheckedLinks& links) {
    return {{"pages", links.pages.size()},
            {"findings", links.findings.size()},
            {"notes", links.notes.size()},
            {"cut", links.cut}};
}

// What XML 1.0 can hold, in an attribute or a text; anything else is a question mark.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&': result += "&amp;"; break;
        case '<': result += "&lt;"; break;
        case '>': result += "&gt;"; break;
        case '"': result += "&quot;"; break;
        case '\'': result += "&apos;"; break;
        case '\n': result += "&#10;"; break;
        default: result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        }
    }
    return result;
}

std::string test_case(const std::string& name, const std::string& suite, const std::vector<const LinkFinding*>& wrong) {
    std::string text = "    <testcase name=\"" + escaped(name) + "\" classname=\"" + escaped(suite) + "\"";
    if (wrong.empty()) return text + "/>\n";
    text += ">\n";
    for (const LinkFinding* each : wrong)
        text += "      <failure type=\"" + escaped(each->code) + "\" message=\"" + escaped(each->message) + "\">" +
                escaped(place_of(*each)) + "</failure>\n";
    return text + "    </testcase>\n";
}

std::string finding_table(const char* title, Colour colour, const std::vector<LinkFinding>& findings) {
    if (findings.empty()) return {};
    Table table({title, "URL", "AT"});
    for (const LinkFinding& finding : findings) {
        table.add({{finding.code, colour}, printable(finding.url), printable(place_of(finding))});
        table.add_below("    " + printable(finding.message));
    }
    return table.to_string() + "\n";
}

} // namespace

std::string link_table(const CheckedLinks& links, bool with_pages) {
    std::string text;
    if (with_pages) {
        Table table({"STATUS", "WORKER", "BY", "URL"});
        for (const CheckedPage& page : links.pages)
            table.add({status_of(page), page.served.worker, page.served.how, printable(page.seen.url)});
        text = table.to_string() + "\n";
    }
    text += finding_table("NOTE", Colour::yellow, links.notes) + finding_table("WRONG", Colour::red, links.findings);
    text += std::to_string(links.pages.size()) + " URLs, " +
            (links.findings.empty() ? "nothing is wrong" : std::to_string(links.findings.size()) + " findings");
    return text + (links.notes.empty() ? "" : ", " + std::to_string(links.notes.size()) + " notes") + "\n";
}

std::string link_json(const CheckedLinks& links) {
    json::object document{{"version", 1}};
    json::array& pages = document["pages"].emplace_array();
    for (const CheckedPage& page : links.pages) pages.emplace_back(to_json(page));
    json::array& findings = document["findings"].emplace_array();
    for (const LinkFinding& finding : links.findings) findings.emplace_back(to_json(finding));
    json::array& notes = document["notes"].emplace_array();
    for (const LinkFinding& note : links.notes) notes.emplace_back(to_json(note));
    document["cut"] = links.cut;
    return json::serialize(document) + "\n";
}

std::string link_json_lines(const CheckedLinks& links) {
    std::string text;
    for (const CheckedPage& page : links.pages) text += json::serialize(json::object{{"page", to_json(page)}}) + "\n";
    for (const LinkFinding& finding : links.findings)
        text += json::serialize(json::object{{"finding", to_json(finding)}}) + "\n";
    for (const LinkFinding& note : links.notes) text += json::serialize(json::object{{"note", to_json(note)}}) + "\n";
    return text + json::serialize(json::object{{"sum", sum_of(links)}}) + "\n";
}

std::string link_junit(const CheckedLinks& links) {
    std::map<std::string, std::vector<const LinkFinding*>> wrong;
    for (const LinkFinding& finding : links.findings) wrong[finding.url].push_back(&finding);
    const std::size_t pages = links.pages.size();
    std::set<std::string> asked;
    for (const CheckedPage& page : links.pages) asked.insert(page.seen.url);
    std::string cases;
    std::size_t count = pages;
    std::size_t failed = 0;
    for (const CheckedPage& page : links.pages) {
        const auto found = wrong.find(page.seen.url);
        if (found != wrong.end()) ++failed;
        cases += test_case(page.seen.url, page.served.worker,
                           found == wrong.end() ? std::vector<const LinkFinding*>{} : found->second);
    }
    for (const auto& [url, findings] : wrong) { // links that were not asked for
        if (asked.contains(url)) continue;
        ++count, ++failed;
        cases += test_case(url, "links", findings);
    }
    const std::string counts = " tests=\"" + std::to_string(count) + "\" failures=\"" + std::to_string(failed) + "\"";
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts +
           ">\n  <testsuite name=\"mpsup links check\"" + counts + ">\n" + cases + "  </testsuite>\n</testsuites>\n";
}

} // namespace mpsup::cli
