#include "supervisor/topology/value.h"

#include "base/units.h"
#include "supervisor/topology/key_table.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/secret_file.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"
#include "worker/contract/origin.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {

namespace {

constexpr std::size_t longest_name = 32;
constexpr std::size_t longest_glob = 256;
constexpr std::size_t longest_text = 64UL << 10;

std::string words_of(const Key& key) {
    std::string words;
    for (const auto& choice : key.choices)
        if (choice.in_this_version) words += (words.empty() ? "" : " or ") + std::string(choice.word);
    return words;
}

/// What a person would call the type, after "must be".
std::string expected_form(const Key& key) {
    switch (key.type) {
    case Type::name: return "a name: a letter, then letters, digits, - and _, at most 32 in all";
    case Type::choice: return words_of(key);
    case Type::ip: return "a numeric IP address";
    case Type::ip_length: return "an IP address with the length of its network, like 10.0.0.100/24";
    case Type::endpoint: return "a port, or ADDRESS:PORT (like 10.0.0.2:8090)";
    case Type::addresses: return "ADDRESS:PORT (like 127.0.0.1:8080 or [::1]:8080), or a list of such";
    case Type::url_path: return "a path that begins with /";
    case Type::origin: return "http:// or https:// and a name or address, maybe a port, and no path";
    case Type::url_prefixes: return "a path that begins with /, or a list of such";
    case Type::file: return "the path of a file";
    case Type::folder: return "the path of a folder";
    case Type::url_targets: return "a path that begins with /, maybe with a query, or a list of such";
    case Type::command: return "a program and its arguments, as a list: [/usr/bin/check, --fast]";
    case Type::hooks: return "{exec: [program, argument]} or {webhook: URL}, maybe with a timeout, or a list of such";
    case Type::environment: return "NAME: value or NAME: {file: PATH}, a line each";
    case Type::words: return "NAME: " + words_of(key) + ", a line each";
    case Type::integer:
        return "a whole number from " + std::to_string(key.least) + " to " + std::to_string(key.most) +
               (key.choices.empty() ? "" : ", or " + words_of(key));
    case Type::size: return size_form(key);
    case Type::percent: return "a percentage from 0% to 100%";
    case Type::duration:
        return "a duration from " + format_duration(std::chrono::milliseconds(key.least)) + " to " +
               format_duration(std::chrono::milliseconds(key.most)) + ", with its unit (500ms, 30s, 5m)";
    case Type::share:
        return "a number of " + std::string(key.kinds == Kinds::none ? "machines" : "children") + ", from " +
               std::to_string(key.least) + " to 1000, or a percentage of them, up to 100%";
    case Type::roll_steps: return "numbers or percentages of children and pauses: [1, 25%, pause 1m, 100%]";
    case Type::section:
    case Type::sections:
    case Type::items:
    case Type::anything: return "a section";
    default: return front_form(key);
    }
}

std::expected<Value, Findings> parse_ip(const Key& key, const Node& node, const std::string& text) {
    const bool six = text.contains(':');
    const auto address = Address::parse((six ? "[" + text + "]" : text) + ":1");
    if (!address) return misfit(key, node);
    return address->ip;
}

Parsed parse_ip_length(const Key& key, const Node& node, const std::string& text) {
    const auto slash = text.find('/');
    const std::string ip = text.substr(0, slash);
    const bool six = ip.contains(':');
    const auto address = Address::parse((six ? "[" + ip + "]" : ip) + ":1");
    if (address && slash == std::string::npos)
        return misfit(key, node, "did you mean `" + text + (six ? "/64`?" : "/24`?"));
    const int most = six ? 128 : 32;
    const std::string_view digits = slash == std::string::npos ? "" : std::string_view(text).substr(slash + 1);
    int bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (!address || error != std::errc{} || end != digits.data() + digits.size() || bits < 1 || bits > most)
        return misfit(key, node);
    return address->ip + "/" + std::to_string(bits);
}

Parsed parse_one_endpoint(const Key& key, const Node& node, const std::string& text) {
    const auto address = parse_endpoint(text);
    return address ? Parsed(endpoint_text(*address)) : misfit(key, node, endpoint_hint(text));
}

Parsed parse_parts(const Key& key, const Node& node, const std::string& text) {
    const auto share = parse_share(text);
    return share && share->value >= key.least ? Parsed(text) : misfit(key, node);
}

std::expected<Value, Findings> parse_addresses(const Key& key, const Node& node) {
    std::vector<Address> addresses;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        auto text = text_of(key, *item);
        if (!text) {
            append(findings, text.error());
            continue;
        }
        const auto address = Address::parse(*text);
        if (address)
            addresses.push_back(*address);
        else
            append(findings, misfit(key, *item, listener_hint(*text)).error());
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    if (addresses.empty()) return refuse(node, "`" + std::string(key.name()) + "` is empty");
    return addresses;
}

/// RFC 3986 section 3.3, as it stands in a request line: what needs an escape has one.
bool is_url_path(std::string_view text) {
    static constexpr std::string_view allowed = "-._~!$&'()*+,;=:@/%";
    return text.starts_with('/') && text.size() <= 1024 &&
           std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || allowed.contains(c); });
}

/// A path and what may follow it; a probe and a warm-up send it as it stands.
bool is_url_target(const std::string& text) {
    const auto path = text.substr(0, text.find('?'));
    const auto rest = text.substr(path.size());
    return is_url_path(path) && (rest.empty() || is_url_path("/" + rest.substr(1)));
}

std::expected<Value, Findings> parse_paths(const Key& key, const Node& node) {
    const auto is_good = [&](const std::string& text) {
        return key.type == Type::url_targets ? is_url_target(text) : is_url_path(text);
    };
    std::vector<std::string> prefixes;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        auto text = text_of(key, *item);
        if (!text) {
            append(findings, text.error());
        } else if (!is_good(*text)) {
            const auto hint = is_good("/" + *text) ? "did you mean `/" + *text + "`?" : "";
            append(findings, misfit(key, *item, hint).error());
        } else {
            prefixes.push_back(*text);
        }
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return prefixes;
}

std::expected<Value, Findings> parse_url_path(const Key& key, const Node& node, const std::string& text) {
    if (!is_url_target(text)) return misfit(key, node, is_url_path("/" + text) ? "did you mean `/" + text + "`?" : "");
    return text;
}

Parsed parse_origin(const Key& key, const Node& node, const std::string& text) {
    if (const auto origin = contract::Origin::parse(text)) return origin->text();
    const auto is_one = [](const std::string& other) { return contract::Origin::parse(other).has_value(); };
    const auto end = text.find('/', text.find("://") == std::string::npos ? 0 : text.find("://") + 3);
    for (const std::string& meant : {text.substr(0, end), "https://" + text.substr(0, end)})
        if (is_one(meant)) return misfit(key, node, "did you mean `" + meant + "`?");
    return misfit(key, node);
}

bool is_variable_name(std::string_view text) {
    return !text.empty() && !is_digit(text.front()) && text.size() <= 256 &&
           std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

// {file: PATH}
std::expected<VariableSpec, Findings> parse_secret(const Node::Entry& entry, const Origin& origin) {
    constexpr Key key{.path = "env.file", .type = Type::file, .doc = ""};
    const Node* const file = topology::entry(entry.value.get(), "file");
    for (const auto& given : entry.value->entries)
        if (given.key != "file" && !given.key.starts_with("x-"))
            return std::unexpected(
                Findings{{given.key_mark, "", "unknown key " + in_ticks(given.key), "known here: file"}});
    if (!file) return refuse(*entry.value, in_ticks(entry.key) + " has no `file`", "{file: PATH}, or a text");
    const auto text = text_of(key, *file);
    if (!text) return std::unexpected(text.error());
    const auto path = parse_path(key, *file, *text, {origin.folder, false, origin.folders});
    if (!path) return std::unexpected(path.error());
    VariableSpec variable{.secret_file = std::get<std::string>(*path)};
    if (!origin.look_at_files) return variable;
    const auto secret = read_secret(variable.secret_file);
    if (!secret) return refuse(*file, secret.error().why, secret.error().remedy);
    return variable;
}

std::expected<VariableSpec, Findings> parse_variable(const Key& key, const Node::Entry& entry, const Origin& origin) {
    if (entry.value->type == Node::Type::map) return parse_secret(entry, origin);
    auto text = text_of(key, *entry.value);
    if (!text) return std::unexpected(std::move(text.error()));
    return VariableSpec{.text = std::move(*text)};
}

std::expected<Value, Findings> parse_environment(const Key& key, const Node& node, const Origin& origin) {
    if (node.type != Node::Type::map) return misfit(key, node);
    Environment environment;
    Findings findings;
    for (const auto& entry : node.entries) {
        const auto complain = [&](const std::string& message) { findings.push_back({entry.key_mark, "", message}); };
        if (!is_variable_name(entry.key)) {
            complain(in_ticks(entry.key) + " is no name of a variable");
        } else if (entry.key.starts_with("MPSUP_")) {
            complain(in_ticks(entry.key) + ": names with MPSUP_ are set by mpsup itself");
        } else if (entry.value->type == Node::Type::null) {
            complain(in_ticks(entry.key) + R"( has no value; write "" for an empty one)");
        } else if (auto variable = parse_variable(key, entry, origin); !variable) {
            append(findings, variable.error());
        } else {
            environment.emplace(entry.key, std::move(*variable));
        }
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return environment;
}

std::expected<Value, Findings> parse_words(const Key& key, const Node& node) {
    if (node.type != Node::Type::map) return misfit(key, node);
    Words words;
    Findings findings;
    for (const auto& entry : node.entries) {
        auto text = text_of(key, *entry.value);
        auto word = text ? parse_choice(key, *entry.value, *text) : std::unexpected(text.error());
        if (!word)
            append(findings, word.error());
        else if (entry.key.empty() || entry.key.size() > longest_glob)
            findings.push_back(
                {entry.key_mark, "", in_ticks(entry.key.substr(0, 40)) + " is no pattern of a file name"});
        else
            words.emplace(entry.key, *text);
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return words;
}

} // namespace

std::string why_unusable(const std::string& path, bool folder) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return errno == ENOENT ? "there is no " + in_ticks(path) : in_ticks(path) + ": " + ::strerror(errno);
    if (folder && !S_ISDIR(status.st_mode)) return in_ticks(path) + " is not a folder";
    if (!folder && S_ISDIR(status.st_mode)) return in_ticks(path) + " is a folder";
    if (!folder && !S_ISREG(status.st_mode)) return in_ticks(path) + " is not a regular file";
    if (::access(path.c_str(), folder ? X_OK : R_OK) != 0) return in_ticks(path) + ": " + ::strerror(errno);
    return {};
}

std::unexpected<Findings> refuse(const Node& node, std::string message, std::string suggestion) {
    return std::unexpected(Findings{{node.mark, "", std::move(message), std::move(suggestion)}});
}

void append(Findings& findings, const Findings& more) { findings.insert(findings.end(), more.begin(), more.end()); }

std::unexpected<Findings> misfit(const Key& key, const Node& node, std::string suggestion) {
    std::string what = "`" + std::string(key.name()) + "` must be " + expected_form(key);
    if (node.type == Node::Type::scalar) what += "; found " + in_ticks(node.text);
    return refuse(node, std::move(what), std::move(suggestion));
}

std::expected<std::string, Findings> text_of(const Key& key, const Node& node) {
    if (node.type == Node::Type::null) return refuse(node, "`" + std::string(key.name()) + "` has no value");
    if (node.type != Node::Type::scalar) return misfit(key, node);
    if (node.fault) return std::unexpected(Findings{*node.fault});
    if (node.text.contains('\0')) return refuse(node, "a NUL byte in a value");
    if (node.text.size() > longest_text) return refuse(node, "a value of more than 64KiB");
    return node.text;
}

std::vector<const Node*> one_or_many(const Node& node) {
    std::vector<const Node*> result;
    if (node.type != Node::Type::sequence) return {&node};
    for (const auto& item : node.items) result.push_back(item.get());
    return result;
}

std::expected<Value, Findings> parse_choice(const Key& key, const Node& node, const std::string& text) {
    std::vector<std::string_view> words;
    for (const auto& choice : key.choices) {
        if (choice.word == text && choice.in_this_version) return text;
        if (choice.word == text)
            return refuse(node, "`" + std::string(key.name()) + ": " + text + "`: known, not in this version");
        words.push_back(choice.word);
    }
    return misfit(key, node, did_you_mean(text, words));
}

std::string endpoint_hint(const std::string& text) {
    const bool is_port = !text.empty() && std::ranges::all_of(text, is_digit);
    return is_port ? "ports go from 1 to 65535" : listener_hint(text);
}

std::string listener_hint(const std::string& text) {
    if (!text.empty() && std::ranges::all_of(text, is_digit)) return "did you mean `127.0.0.1:" + text + "`?";
    if (text.starts_with(':')) return "did you mean `0.0.0.0" + text + "`?";
    if (text.starts_with("localhost:")) return "did you mean `127.0.0.1" + text.substr(9) + "`?";
    if (text.starts_with("*:")) return "did you mean `0.0.0.0" + text.substr(1) + "`?";
    const auto colon = text.rfind(':');
    if (colon != std::string::npos && Address::parse(text.substr(0, colon) + ":1")) return "ports go from 1 to 65535";
    if (Address::parse(text + ":1")) return "the port is missing: `" + text + ":8080`";
    return {};
}

std::expected<Value, Findings> parse_path(const Key& key, const Node& node, const std::string& text,
                                          const Origin& origin) {
    if (text.empty() || text.size() >= PATH_MAX || text.contains('\n')) return misfit(key, node);
    std::filesystem::path path(text);
    if (path.is_relative()) {
        if (origin.folder.empty()) return refuse(node, in_ticks(text) + " is not an absolute path");
        path = origin.folder_of(node) / path;
    }
    // Symbolic links stay as they are: a deploy may turn one round.
    path = path.lexically_normal();
    if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
    if (origin.look_at_files)
        if (auto why = why_unusable(path.string(), key.type == Type::folder); !why.empty()) return refuse(node, why);
    return path.string();
}

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= longest_name && is_letter(text.front()) &&
           std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; });
}

std::expected<Value, Findings> parse_value(const Key& key, const Node& node, const Origin& origin) {
    if (is_front_type(key.type)) return parse_front_value(key, node, origin);
    if (key.type == Type::addresses) return parse_addresses(key, node);
    if (key.type == Type::url_prefixes || key.type == Type::url_targets) return parse_paths(key, node);
    if (key.type == Type::hooks) return parse_hooks(key, node, origin);
    if (key.type == Type::command) return parse_command(key, node, origin);
    if (key.type == Type::environment) return parse_environment(key, node, origin);
    if (key.type == Type::words) return parse_words(key, node);
    if (key.type == Type::roll_steps) return parse_steps(key, node);
    const auto text = text_of(key, node);
    if (!text) return std::unexpected(text.error());
    switch (key.type) {
    case Type::name: return is_name(*text) ? std::expected<Value, Findings>(*text) : misfit(key, node);
    case Type::choice: return parse_choice(key, node, *text);
    case Type::ip: return parse_ip(key, node, *text);
    case Type::ip_length: return parse_ip_length(key, node, *text);
    case Type::endpoint: return parse_one_endpoint(key, node, *text);
    case Type::url_path: return parse_url_path(key, node, *text);
    case Type::origin: return parse_origin(key, node, *text);
    case Type::file:
    case Type::folder: return parse_path(key, node, *text, origin);
    case Type::integer: return parse_integer(key, node, *text);
    case Type::size: return parse_bytes(key, node, *text);
    case Type::percent: return parse_percent(key, node, *text);
    case Type::duration: return parse_time(key, node, *text);
    case Type::share: return parse_parts(key, node, *text);
    default: break;
    }
    return misfit(key, node);
}

} // namespace mpsup::topology
