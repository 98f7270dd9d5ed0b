// Numbers with and without a unit.
#include "base/units.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <charconv>

namespace mpsup::topology {

namespace {

std::uint64_t most_bytes(const Key& key) { return key.most > 0 ? static_cast<std::uint64_t>(key.most) : largest_size; }

} // namespace

std::string size_form(const Key& key) {
    const std::string least =
        key.least > 0 ? "from " + format_whole_size(static_cast<std::uint64_t>(key.least)) + " " : "";
    return "a size " + least + (least.empty() ? "up to " : "to ") + format_whole_size(most_bytes(key)) +
           ", with its unit (64KiB, 200MiB, 1GiB)";
}

Parsed parse_bytes(const Key& key, const Node& node, const std::string& text) {
    const auto bytes = parse_size(text);
    if (!bytes && !text.empty() && text.size() < 16 && std::ranges::all_of(text, is_digit))
        return refuse(node, "`" + std::string(key.name()) + "` needs a unit; found " + in_ticks(text),
                      "did you mean `" + text + "MiB`?");
    if (!bytes || static_cast<std::int64_t>(*bytes) < key.least || *bytes > most_bytes(key)) return misfit(key, node);
    return static_cast<std::int64_t>(*bytes);
}

Parsed parse_percent(const Key& key, const Node& node, const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || std::string_view(end) != "%" || number < 0 || number > 100) return misfit(key, node);
    return number;
}

Parsed parse_steps(const Key& key, const Node& node) {
    std::vector<std::string> steps;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        const auto text = text_of(key, *item);
        const auto step = text ? parse_roll_step(*text) : std::nullopt;
        if (!text)
            append(findings, text.error());
        else if (!step)
            append(findings, misfit(key, *item).error());
        else if (steps.empty() && !step->share)
            append(findings, refuse(*item, "`" + std::string(key.name()) +
                                               "` begins with a pause; nothing of the new generation serves before a "
                                               "number or a percentage")
                                 .error());
        else
            steps.push_back(*text);
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return steps;
}

Parsed parse_integer(const Key& key, const Node& node, const std::string& text) {
    if (!key.choices.empty() && text == key.choices.front().word) return std::int64_t{0};
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool digits = !text.empty() && std::ranges::all_of(text, is_digit);
    if (digits && text.size() > 1 && text.front() == '0')
        return refuse(node,
                      "`" + std::string(key.name()) + "`: a number does not begin with 0; found " + in_ticks(text));
    if (!digits || error != std::errc{} || number < key.least || number > key.most) return misfit(key, node);
    return number;
}

Parsed parse_time(const Key& key, const Node& node, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration && !text.empty() && text.size() < 12 && std::ranges::all_of(text, is_digit))
        return refuse(node, "`" + std::string(key.name()) + "` needs a unit; found " + in_ticks(text),
                      "did you mean `" + text + "s`?");
    if (!duration || duration->count() < key.least || duration->count() > key.most) return misfit(key, node);
    return *duration;
}

} // namespace mpsup::topology
