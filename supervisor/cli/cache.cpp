// `mpsup cache`: what accelerators keep.
#include "base/units.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/cli/worker_answers.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <system_error>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

std::string seconds_text(std::int64_t seconds) {
    constexpr std::int64_t millisecond = 1000;
    return seconds < 0 ? "stale " + short_age(-seconds * millisecond) : short_age(seconds * millisecond);
}

std::string size_at(const json::object& object, std::string_view key) {
    return format_size(static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(object, key))));
}

void print_list(const json::object& answer) {
    const json::value* objects = answer.if_contains("objects");
    if (!objects || !objects->is_array() || objects->as_array().empty()) {
        std::puts("nothing is cached");
        return;
    }
    Table table({"AGE", "FRESH", "SIZE", "STATUS", "IN", "URL"});
    for (const json::value& each : objects->as_array()) {
        if (!each.is_object()) continue;
        const json::object& object = each.as_object();
        const std::string variant = printable_at(object, "variant");
        table.add({seconds_text(number_at(object, "age_s")), seconds_text(number_at(object, "fresh_for_s")),
                   size_at(object, "bytes"), std::to_string(number_at(object, "status")),
                   is_true(object, "on_disk") ? "disk" : "memory", printable_at(object, "url")});
        if (!variant.empty()) table.add_below("    " + variant);
    }
    std::fputs(table.to_string().c_str(), stdout);
    if (const auto left = number_at(answer, "left_out"); left > 0)
        std::printf("%lld more\n", static_cast<long long>(left));
}

void print_stats(const json::object& answer) {
    const json::value* stats = answer.if_contains("stats");
    if (!stats || !stats->is_object()) return;
    Table table({"WHAT", "COUNT"});
    for (const auto& [name, value] : stats->as_object()) {
        if (!value.is_int64()) continue;
        const std::string key(name);
        table.add({printable(key),
                   key.ends_with("bytes") ? size_at(stats->as_object(), key) : std::to_string(value.as_int64())});
    }
    std::fputs(table.to_string().c_str(), stdout);
}

// `heading`: whose it is; empty where there is one alone.
void print_answer(contract::Question::What what, const std::string& heading, const json::object& answer) {
    using What = contract::Question::What;
    const bool is_purge = what == What::purge_urls || what == What::purge_tags;
    if (!heading.empty()) std::printf("%s%s", heading.c_str(), is_purge ? ": " : "\n");
    if (what == What::cache_list) return print_list(answer);
    if (what == What::cache_stats) return print_stats(answer);
    std::printf("%lld gone\n", static_cast<long long>(number_at(answer, "purged")));
}

} // namespace

int run_cache(const Context& context, const CacheOptions& options) {
    if (options.question.what == contract::Question::What::purge_urls)
        for (const std::string& url : options.question.texts)
            if (!url.starts_with("http://") && !url.starts_with("https://"))
                return complain("`" + url + "` is no URL: http://HOST/PATH, as `mpsup cache ls` shows them", usage);
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    std::vector<std::string> workers;
    if (!options.worker.empty()) workers.push_back(options.worker);
    const auto answers = ask_workers(*site, workers, options.question);
    if (!answers) {
        const std::error_code& code = answers.error().code;
        if (nobody_listens(code) || code == std::errc::connection_reset)
            return complain(nobody_answers(*site), no_supervisor);
        return complain(answers.error().to_string(), failed);
    }
    if (context.output != Output::table) return print_as_json(context, *answers);
    if (answers->empty()) return complain(site->name + " has no accelerator", not_running);
    int code = ok;
    for (const WorkerAnswer& answer : *answers) {
        if (!answer.error.empty()) {
            code = complain(printable(answer.error), failed);
            continue;
        }
        if (context.quiet) continue;
        print_answer(options.question.what, answers->size() > 1 ? printable(answer.worker) : "",
                     parse_object(answer.text));
    }
    return code;
}

} // namespace mpsup::cli
