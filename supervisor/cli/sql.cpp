#include "state/free_query.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 6;

struct ToJson {
    json::value operator()(std::monostate) const { return nullptr; }
    json::value operator()(std::int64_t number) const { return number; }
    json::value operator()(double number) const { return number; }
    json::value operator()(const std::string& text) const { return json::string(text); }
};

struct ToText {
    std::string operator()(std::monostate) const { return "-"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return json::serialize(json::value(number)); }
    std::string operator()(const std::string& text) const { return printable(text); }
};

json::object to_json(const state::Answer& answer, const std::vector<state::Cell>& row) {
    json::object object;
    for (std::size_t i = 0; i < row.size(); ++i) object[answer.columns[i]] = std::visit(ToJson{}, row[i]);
    return object;
}

// What makes the whole fit the page: the widest columns give first.
std::vector<std::size_t> fitting(std::vector<std::size_t> widths) {
    const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1)); };
    const std::size_t page = page_width();
    while (total() > page) {
        const auto widest = std::ranges::max_element(widths);
        if (*widest <= narrowest) break;
        --*widest;
    }
    return widths;
}

// A line a value, for more columns than a page has room for.
std::string to_list(const state::Answer& answer) {
    std::size_t widest = 0;
    for (const std::string& name : answer.columns) widest = std::max(widest, name.size());
    std::string out;
    for (const auto& row : answer.rows) {
        if (!out.empty()) out += "\n";
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string& name = answer.columns[i];
            const std::string label = name + std::string(widest - name.size() + gap, ' ');
            out += cut(label + std::visit(ToText{}, row[i]), page_width()) + "\n";
        }
    }
    return out;
}

std::string to_table(const state::Answer& answer) {
    if (answer.columns.size() * (narrowest + gap) > page_width()) return to_list(answer);
    std::vector<std::vector<std::string>> lines{answer.columns};
    for (const auto& row : answer.rows) {
        auto& line = lines.emplace_back();
        for (const auto& cell : row) line.push_back(std::visit(ToText{}, cell));
    }
    std::vector<std::size_t> widths(answer.columns.size());
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::min(std::max(widths[i], line[i].size()), page_width());
    widths = fitting(std::move(widths));
    std::string out;
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string cell = cut(line[i], widths[i]);
            text += cell +
                    (i + 1 < line.size() ? std::string(widths[i] - std::min(widths[i], cell.size()) + gap, ' ') : "");
        }
        out += text + "\n";
    }
    return out;
}

void print(const Context& context, const state::Answer& answer) {
    if (context.output == Output::table) {
        std::fputs(to_table(answer).c_str(), stdout);
        return;
    }
    if (context.output == Output::jsonl) {
        for (const auto& row : answer.rows) std::printf("%s\n", json::serialize(to_json(answer, row)).c_str());
        return;
    }
    json::array rows;
    for (const auto& row : answer.rows) rows.emplace_back(to_json(answer, row));
    const json::object document{{"version", 1}, {"rows", std::move(rows)}, {"cut", answer.is_cut}};
    std::printf("%s\n", json::serialize(document).c_str());
}

} // namespace

int run_sql(const Context& context, const std::string& sql) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    state::FreeQueryLimits limits;
    if (context.timeout) limits.time = *context.timeout;
    const auto answer = state::run_free_query(site->paths.database(), sql, limits);
    if (!answer) return complain(answer.error().to_string(), failed);
    print(context, *answer);
    if (answer->is_cut)
        (void)complain("there are more rows than the " + std::to_string(limits.rows) + " shown; use LIMIT and OFFSET",
                       ok);
    return ok;
}

} // namespace mpsup::cli
