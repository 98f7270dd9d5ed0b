// Programs that a topology names, and the hooks that call them.
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"

#include <cstdlib>
#include <ranges>
#include <unistd.h>

namespace mpsup::topology {

namespace {

// Where a shell would find it; empty: nowhere.
std::string find_in_path(const std::string& program) {
    const char* const path = std::getenv("PATH");
    for (const auto folder : std::views::split(std::string_view(path ? path : "/usr/bin:/bin"), ':')) {
        const std::string candidate = std::string(std::string_view(folder)) + "/" + program;
        if (candidate.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

// The program as an absolute path, so that it does not depend on the supervisor's environment.
std::expected<Value, Findings> parse_program(const Key& key, const Node& node, const std::string& text,
                                             const Origin& origin) {
    if (text.contains('/') || text.empty() || origin.folder.empty()) {
        auto path = parse_path(key, node, text, origin);
        if (path && origin.look_at_files && ::access(std::get<std::string>(*path).c_str(), X_OK) != 0)
            return refuse(node, in_ticks(text) + " cannot be executed");
        return path;
    }
    std::string found = find_in_path(text);
    if (!found.empty()) return found;
    return refuse(node, in_ticks(text) + ": there is no such program in PATH", "a path of it has a / in it");
}

std::expected<Value, Findings> parse_url(const Key& key, const Node& node, const std::string& text) {
    if (parse_http_url(text)) return text;
    if (text.starts_with("https://"))
        return refuse(node, "a webhook by https: known, not in this version", "exec: [curl, …] can send one");
    return refuse(node, "`webhook` of `" + std::string(key.name()) + "` must be http://HOST:PORT/PATH; found " +
                            in_ticks(text));
}

std::expected<Hook, Findings> parse_hook(const Key& key, const Node& node, const Origin& origin) {
    constexpr Key timeout{.path = "hooks.timeout", .type = Type::duration, .doc = "", .least = 10, .most = 3'600'000};
    constexpr Key exec{.path = "hooks.exec", .type = Type::command, .doc = ""};
    if (node.type != Node::Type::map) return misfit(key, node);
    Hook hook;
    Findings findings;
    const auto take = [&](const Node::Entry& given) -> std::expected<Value, Findings> {
        if (given.key == "exec") return parse_command(exec, *given.value, origin);
        if (given.key != "webhook" && given.key != "timeout")
            return std::unexpected(Findings{
                {given.key_mark, "", "unknown key " + in_ticks(given.key), "known here: exec webhook timeout"}});
        const auto text = text_of(key, *given.value);
        if (!text) return std::unexpected(text.error());
        return given.key == "webhook" ? parse_url(key, *given.value, *text) : parse_time(timeout, *given.value, *text);
    };
    for (const auto& given : node.entries) {
        if (given.key.starts_with("x-")) continue;
        auto value = take(given);
        if (!value)
            append(findings, value.error());
        else if (given.key == "exec")
            hook.exec = std::get<std::vector<std::string>>(*value);
        else if (given.key == "webhook")
            hook.webhook = std::get<std::string>(*value);
        else
            hook.timeout = std::get<std::chrono::milliseconds>(*value);
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    if (hook.exec.empty() == hook.webhook.empty()) return refuse(node, "a hook has either `exec` or `webhook`");
    return hook;
}

} // namespace

Parsed parse_command(const Key& key, const Node& node, const Origin& origin) {
    std::vector<std::string> words;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        auto text = text_of(key, *item);
        auto word = !text           ? std::unexpected(text.error())
                    : words.empty() ? parse_program(key, *item, *text, origin)
                                    : Parsed(*text);
        if (word)
            words.push_back(std::get<std::string>(*word));
        else
            append(findings, word.error());
        if (!word && words.empty()) break; // the program: what follows would be taken for it
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    if (words.empty()) return misfit(key, node);
    return words;
}

Parsed parse_hooks(const Key& key, const Node& node, const Origin& origin) {
    std::vector<Hook> hooks;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        auto hook = parse_hook(key, *item, origin);
        if (hook)
            hooks.push_back(std::move(*hook));
        else
            append(findings, hook.error());
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return hooks;
}

} // namespace mpsup::topology
