#include "state/queries.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t frames_shown = 8;
constexpr std::size_t indent = 4;
constexpr std::size_t width_before_place = 32; // COUNT, LONGEST and a LAST SEEN with its date

json::object to_json(const state::SlowRow& slow) {
    json::array frames;
    for (const std::string& frame : slow.frames) frames.emplace_back(frame);
    return {{"at_ms", slow.at.wall_ms}, {"worker", slow.worker},       {"generation", slow.generation},
            {"pid", slow.pid},          {"method", slow.method},       {"uri", slow.uri},
            {"age_ms", slow.age_ms},    {"frames", std::move(frames)}, {"fingerprint", slow.fingerprint}};
}

json::object to_json(const state::RecordedSlow& recorded) {
    json::object object{{"id", recorded.id}};
    for (const auto& [key, value] : to_json(recorded.slow)) object.emplace(key, value);
    return object;
}

json::object to_json(const state::SlowGroup& group) {
    return {{"fingerprint", group.latest.fingerprint},
            {"count", group.count},
            {"longest_ms", group.longest_ms},
            {"last_at_ms", group.latest.at.wall_ms},
            {"latest", to_json(group.latest)}};
}

std::string age_text(std::int64_t milliseconds) {
    if (milliseconds < 0 || milliseconds >= 10'000) return short_age(milliseconds);
    return std::to_string(milliseconds / 1000) + "." + std::to_string(milliseconds / 100 % 10) + "s";
}

// Cut at its front: what tells most of a frame, line and sub, is at its end.
std::string frame_text(const std::string& frame, std::size_t room) {
    const std::string text = printable(frame);
    if (text.size() <= room) return text;
    std::size_t from = text.size() - room + 1;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from; // whole characters
    return "+" + text.substr(from);
}

std::string frame_line(const std::string& frame) {
    return std::string(indent, ' ') + frame_text(frame, page_width() - indent);
}

std::string innermost(const state::SlowRow& slow) { return slow.frames.empty() ? "-" : slow.frames.front(); }

std::string request_text(const state::SlowRow& slow) { return printable(slow.method + " " + slow.uri); }

std::string to_table(const std::vector<state::RecordedSlow>& requests) {
    Table table({"WHEN", "WORKER", "PID", "AGE", "REQUEST"});
    for (const auto& [id, slow] : requests) {
        table.add({local_time(slow.at.wall_ms), printable(slow.worker), std::to_string(slow.pid), age_text(slow.age_ms),
                   request_text(slow)});
        if (!slow.frames.empty()) table.add_below(frame_line(slow.frames.front()));
    }
    return table.to_string();
}

std::string to_table(const std::vector<state::SlowGroup>& groups) {
    Table table({"COUNT", "LONGEST", "LAST SEEN", "INNERMOST"});
    for (const state::SlowGroup& group : groups) {
        const state::SlowRow& latest = group.latest;
        table.add({std::to_string(group.count), age_text(group.longest_ms), local_time(latest.at.wall_ms),
                   frame_text(innermost(latest), page_width() - width_before_place)});
        for (std::size_t i = 0; i < std::min(frames_shown, latest.frames.size()); ++i)
            table.add_below(frame_line(latest.frames[i]));
        if (latest.frames.size() > frames_shown)
            table.add_below(std::string(indent, ' ') + "… " + std::to_string(latest.frames.size() - frames_shown) +
                            " more");
    }
    return table.to_string();
}

// Requests or groups; `key` is what the document calls them.
template <typename Rows> int print(const Context& context, const char* key, const Result<Rows>& rows) {
    if (!rows) return complain(rows.error().to_string(), failed);
    if (context.output == Output::json) {
        json::array list;
        for (const auto& row : *rows) list.emplace_back(to_json(row));
        std::printf("%s\n", json::serialize(json::object{{"version", 1}, {key, std::move(list)}}).c_str());
    } else if (context.output == Output::jsonl) {
        for (const auto& row : *rows) std::printf("%s\n", json::serialize(to_json(row)).c_str());
    } else {
        std::fputs(rows->empty() ? "no slow request is on record\n" : to_table(*rows).c_str(), stdout);
    }
    return ok;
}

} // namespace

int run_slow(const Context& context, const SlowOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto queries = state::Queries::open(site->paths.database());
    if (!queries) return complain(queries.error().to_string(), failed);
    const state::SlowFilter filter{.worker = options.worker, .limit = static_cast<std::size_t>(options.count)};
    return options.top ? print(context, "groups", queries->slow_groups(filter))
                       : print(context, "slow", queries->slow(filter));
}

} // namespace mpsup::cli
