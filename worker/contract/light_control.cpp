#include "worker/contract/light_control.h"

#include "worker/contract/described_json.h"
#include "worker/contract/messages.h"

namespace json = boost::json;

namespace mpsup::contract {

constexpr std::pair<Question::What, std::string_view> question_words[] = {
    {Question::What::cache_stats, "cache_stats"}, {Question::What::cache_list, "cache_list"},
    {Question::What::purge_urls, "purge_urls"},   {Question::What::purge_tags, "purge_tags"},
    {Question::What::explain, "explain"},         {Question::What::maintenance, "maintenance"},
    {Question::What::backends, "backends"},       {Question::What::in_flight, "in_flight"}};
constexpr auto& words_of(Question::What) { return question_words; }

template <typename Each> void describe(Each& each, Type<ExplainedRequest>) {
    each("method", &ExplainedRequest::method);
    each("scheme", &ExplainedRequest::scheme);
    each("authority", &ExplainedRequest::authority);
    each("target", &ExplainedRequest::target);
    each("headers", &ExplainedRequest::headers);
    each("client", &ExplainedRequest::client);
}

template <typename Each> void describe(Each& each, Type<Question>) {
    each("what", &Question::what);
    each("texts", &Question::texts);
    each("limit", &Question::limit);
    each("on", &Question::on);
    each("request", &Question::request);
}

namespace {

constexpr std::size_t room_for_the_rest = 64; // what stands around a list of objects

// Members at their default too: this is what people and their programs read.
json::object shown(const CachedObject& object) {
    json::array tags;
    for (const std::string& tag : object.tags) tags.emplace_back(tag);
    return {{"url", object.url},
            {"variant", object.variant},
            {"status", object.status},
            {"bytes", static_cast<std::int64_t>(object.bytes)},
            {"age_s", static_cast<std::int64_t>(object.age.count())},
            {"fresh_for_s", static_cast<std::int64_t>(object.fresh_for.count())},
            {"tags", std::move(tags)},
            {"on_disk", object.on_disk}};
}

json::object shown(const BackendReport& backend) {
    json::object object{{"route", backend.route},
                        {"path", backend.path},
                        {"address", backend.address},
                        {"state", backend.state},
                        {"in_flight", backend.in_flight},
                        {"failures", backend.failures},
                        {"left_ms", static_cast<std::int64_t>(backend.left.count())},
                        {"check", nullptr}};
    if (backend.checked_ago.count() >= 0)
        object["check"] = {{"ago_ms", static_cast<std::int64_t>(backend.checked_ago.count())},
                           {"passed", backend.check_passed}};
    return object;
}

// As many as an answer has room for.
template <typename Item> json::object list_answer(std::string_view name, const std::vector<Item>& items) {
    json::array list;
    std::size_t size = room_for_the_rest;
    for (const Item& item : items) {
        json::object each = shown(item);
        size += json::serialize(each).size() + 1;
        if (size > max_answer_bytes) break;
        list.push_back(std::move(each));
    }
    const auto left_out = static_cast<std::int64_t>(items.size() - list.size());
    return {{name, std::move(list)}, {"left_out", left_out}};
}

json::object stats_answer(const Counts& counts) {
    json::object stats;
    for (const auto& [name, value] : counts) stats[name] = static_cast<std::int64_t>(value);
    return {{"stats", std::move(stats)}};
}

template <typename Purge> json::object purge_answer(const Texts& texts, Purge purge) {
    std::uint64_t gone = 0;
    for (const std::string& text : texts) gone += purge(text);
    return {{"purged", static_cast<std::int64_t>(gone)}};
}

json::object explain_answer(const Explanation& explanation) {
    json::array cached;
    for (const CachedObject& object : explanation.cached) cached.push_back(shown(object));
    json::array sent;
    for (const auto& [name, value] : explanation.sent) sent.push_back(json::array{name, value});
    json::array backends;
    for (const BackendReport& backend : explanation.backends) backends.push_back(shown(backend));
    return {{"explanation",
             json::object{{"cache_key", explanation.cache_key},
                          {"cache_state", explanation.cache_state},
                          {"cached", std::move(cached)},
                          {"sent", std::move(sent)},
                          {"maintenance", explanation.maintenance},
                          {"quarantined_for_ms", static_cast<std::int64_t>(explanation.quarantined_for.count())},
                          {"backends", std::move(backends)}}}};
}

json::object answer_to(LightControl& control, const Question& question) {
    switch (question.what) {
    case Question::What::cache_stats: return stats_answer(control.cache_stats());
    case Question::What::cache_list: return list_answer("objects", control.cached(question.limit));
    case Question::What::purge_urls:
        return purge_answer(question.texts, [&](const std::string& url) { return control.purge_url(url); });
    case Question::What::purge_tags:
        return purge_answer(question.texts, [&](const std::string& tag) { return control.purge_tag(tag); });
    case Question::What::explain: return explain_answer(control.explain(question.request));
    case Question::What::backends: return list_answer("backends", control.backends());
    case Question::What::in_flight: break; // which no control knows
    case Question::What::maintenance: control.set_maintenance(question.on); return {{"maintenance", question.on}};
    }
    return {};
}

} // namespace

std::string encode_question(const Question& question) { return json::serialize(to_json(question)); }

Result<Question> decode_question(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return failure("question is not JSON: " + error.message());
    return from_json<Question>("question", value);
}

std::string answer(LightControl* control, std::uint64_t in_flight, std::string_view question) {
    const auto asked = decode_question(question);
    json::object object;
    if (!asked)
        object["error"] = asked.error().to_string();
    else if (asked->what == Question::What::in_flight)
        object["in_flight"] = static_cast<std::int64_t>(in_flight);
    else if (control)
        object = answer_to(*control, *asked);
    else
        object["error"] = "this worker serves files: it has no cache";
    std::string text = json::serialize(object);
    if (text.size() <= max_answer_bytes) return text;
    return R"({"error":"the answer is too long"})";
}

Result<std::uint64_t> decode_in_flight(std::string_view answer) {
    json::error_code error;
    const json::value value = json::parse(answer, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* number = object ? object->if_contains("in_flight") : nullptr;
    const std::int64_t* count = number ? number->if_int64() : nullptr;
    if (!count || *count < 0) return failure("no number of requests in hand: " + std::string(answer.substr(0, 100)));
    return static_cast<std::uint64_t>(*count);
}

} // namespace mpsup::contract
