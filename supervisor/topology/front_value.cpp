// The values that stand in fronts and routes.
#include "base/units.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"
#include "worker/contract/cidr.h"
#include "worker/contract/path_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mpsup::topology {

namespace {

constexpr std::size_t longest_host = 253;
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_field = 4096;
constexpr std::size_t most_items = 256;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_printable(char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; }
bool is_token_char(char c) {
    return is_lower(c) || is_upper(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

std::string to_lower(std::string text) {
    for (char& c : text)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return text;
}

Parsed parse_host(const Key& key, const Node& node, const std::string& text) {
    std::string host = to_lower(text);
    if (host == "*") return misfit(key, node, "leave `host` away: a route without it is for every host");
    const bool is_six = host.starts_with('[') || std::ranges::count(host, ':') > 1;
    if (!is_six && host.contains(':'))
        return refuse(node, "`host` is a name without a port; found " + in_ticks(text),
                      "did you mean `" + host.substr(0, host.find(':')) + "`?");
    if (is_six) {
        if (!host.starts_with('[')) host = "[" + host + "]";
        return Address::parse(host + ":1") ? Parsed(host) : misfit(key, node);
    }
    std::string_view name = host;
    if (name.starts_with("*.")) name.remove_prefix(2);
    const auto is_host_char = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (name.empty() || host.size() > longest_host || name.starts_with('.') || name.ends_with('.') ||
        !std::ranges::all_of(name, is_host_char))
        return misfit(key, node);
    return host;
}

Parsed parse_pattern(const Key& key, const Node& node, const std::string& text) {
    if (contract::PathPattern::parse(text)) return text;
    const bool is_fit = contract::PathPattern::parse("/" + text).has_value();
    return misfit(key, node, is_fit ? "did you mean `/" + text + "`?" : "");
}

bool is_target(const std::string& text) { return is_name(text) || Address::parse(text).has_value(); }

Parsed parse_fallback(const Key& key, const Node& node, const std::string& text) {
    const bool is_path = text.starts_with('/') && text.size() < longest_field && !text.contains("/.") &&
                         !text.contains("//") && !text.ends_with('/') && std::ranges::all_of(text, is_printable);
    if (is_path || is_target(text)) return text;
    return misfit(key, node, is_name(text) || text.contains(':') ? "" : "did you mean `/" + text + "`?");
}

// What an item of a list must be.
bool is_item(const Key& key, const std::string& text) {
    switch (key.type) {
    case Type::targets: return is_target(text);
    case Type::texts: return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, is_printable);
    case Type::file_names:
        return !text.empty() && text.size() <= longest_name && !text.contains('/') && !text.starts_with('.') &&
               std::ranges::all_of(text, is_printable);
    case Type::blocks: return contract::Cidr::parse(text).has_value();
    case Type::names: return is_name(text);
    case Type::some_words:
        return std::ranges::any_of(key.choices, [&](const Choice& choice) { return choice.word == text; });
    default: return false;
    }
}

// "10.0.0.1/33": too long; "10.0.0.1/8": of a block its first address is written.
std::string hint_for_block(const std::string& text) {
    const auto slash = text.find('/');
    const std::string ip = text.substr(0, slash);
    if (ip.starts_with('[') && ip.ends_with(']')) return "did you mean `" + ip.substr(1, ip.size() - 2) + "`?";
    if (slash == std::string::npos || !contract::Cidr::parse_ip(ip)) return {};
    const std::string_view length = std::string_view(text).substr(slash + 1);
    const int most = ip.contains(':') ? 128 : 32;
    int bits = -1;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (error != std::errc{} || end != length.data() + length.size() || bits < 0 || bits > most)
        return "the length behind the slash goes from 0 to " + std::to_string(most);
    return "the bits after the length must be 0";
}

std::string hint_for_item(const Key& key, const std::string& text) {
    if (key.type == Type::targets) return listener_hint(text);
    if (key.type == Type::blocks) return hint_for_block(text);
    if (key.type != Type::some_words) return {};
    std::vector<std::string_view> words;
    for (const Choice& choice : key.choices) words.push_back(choice.word);
    return did_you_mean(text, words);
}

Parsed parse_items(const Key& key, const Node& node) {
    std::vector<std::string> items;
    Findings findings;
    const bool is_short = key.type == Type::names || node.type != Node::Type::sequence; // a site may have many machines
    if (!is_short && node.items.size() > most_items)
        return refuse(node, "`" + std::string(key.name()) + "` has more than 256 items");
    for (const auto* item : one_or_many(node)) {
        const auto text = text_of(key, *item);
        if (!text)
            append(findings, text.error());
        else if (!is_item(key, *text))
            append(findings, misfit(key, *item, hint_for_item(key, *text)).error());
        else
            items.push_back(*text);
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    if (key.type != Type::some_words) return items;
    const auto none = std::ranges::find(items, key.choices.back().word);
    if (none != items.end() && items.size() > 1) return refuse(node, in_ticks(*none) + " stands alone", {});
    if (none != items.end()) items.clear();
    return items;
}

// One map; every entry is looked at, and `read` makes of it what is kept.
template <typename Read> Parsed parse_pairs(const Key& key, const Node& node, Read read) {
    if (node.type != Node::Type::map) return misfit(key, node);
    if (node.entries.size() > most_items)
        return refuse(node, "`" + std::string(key.name()) + "` has more than 256 entries");
    Pairs pairs;
    Findings findings;
    for (const auto& entry : node.entries) {
        if (auto pair = read(entry))
            pairs.push_back(std::move(*pair));
        else
            append(findings, pair.error());
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return pairs;
}

using Pair = std::expected<Pairs::value_type, Findings>;

std::unexpected<Findings> refuse_name(const Node::Entry& entry, std::string message, std::string suggestion = {}) {
    return std::unexpected(Findings{{entry.key_mark, "", std::move(message), std::move(suggestion)}});
}

Parsed parse_expires(const Key& key, const Node& node) {
    constexpr std::int64_t year = 365LL * 24 * 3'600 * 1'000;
    constexpr Key age{.path = "expires", .type = Type::duration, .doc = "", .least = 0, .most = 10 * year};
    const auto time_of = [&](const Node& value) -> std::expected<std::string, Findings> {
        const auto text = text_of(age, value);
        if (!text || *text == "immutable" || *text == "off") return text;
        const auto time = parse_time(age, value, *text);
        if (!time) return std::unexpected(time.error());
        return format_duration(std::get<std::chrono::milliseconds>(*time));
    };
    if (node.type == Node::Type::scalar) {
        const auto time = time_of(node);
        return time ? Parsed(Pairs{{"/", *time}}) : std::unexpected(time.error());
    }
    return parse_pairs(key, node, [&](const Node::Entry& entry) -> Pair {
        if (!contract::PathPattern::parse(entry.key))
            return refuse_name(entry, in_ticks(entry.key) + " is no pattern of paths: /x/, /x, *.css or /a/*/b");
        const auto time = time_of(*entry.value);
        return time ? Pair({entry.key, *time}) : std::unexpected(time.error());
    });
}

Parsed parse_media_types(const Key& key, const Node& node) {
    return parse_pairs(key, node, [&](const Node::Entry& entry) -> Pair {
        std::string ending = to_lower(entry.key.starts_with('.') ? entry.key.substr(1) : entry.key);
        if (!is_token(ending)) return refuse_name(entry, in_ticks(entry.key) + " is no ending of file names");
        const auto text = text_of(key, *entry.value);
        if (!text) return std::unexpected(text.error());
        const auto slash = text->find('/');
        const bool is_type = slash != std::string::npos && is_token(std::string_view(*text).substr(0, slash)) &&
                             text->size() <= longest_name && std::ranges::all_of(*text, is_printable);
        if (!is_type)
            return std::unexpected(Findings{
                {entry.value->mark, "", in_ticks(*text) + " is no media type", "like `text/plain; charset=utf-8`"}});
        return Pair({std::move(ending), *text});
    });
}

// Those that say how a message is framed, or whether a connection stays, are the server's own business.
bool is_reserved_field(const std::string& name) {
    static constexpr std::array reserved{
        "connection", "content-length", "transfer-encoding", "upgrade",    "keep-alive", "te",
        "trailer",    "date",           "proxy-connection",  "mpsup-child"};
    return std::ranges::find(reserved, to_lower(name)) != reserved.end();
}

Parsed parse_headers(const Key& key, const Node& node) {
    return parse_pairs(key, node, [&](const Node::Entry& entry) -> Pair {
        if (!is_token(entry.key) || entry.key.size() > longest_name)
            return refuse_name(entry, in_ticks(entry.key) + " is no name of a header field");
        if (is_reserved_field(entry.key)) return refuse_name(entry, in_ticks(entry.key) + " is set by mpsup itself");
        const auto text = text_of(key, *entry.value);
        if (!text && entry.value->type == Node::Type::null)
            return refuse_name(entry, in_ticks(entry.key) + " has no value", "\"\" takes the field away");
        if (!text) return std::unexpected(text.error());
        const bool is_value = text->size() <= longest_field && std::ranges::all_of(*text, is_printable) &&
                              !text->starts_with(' ') && !text->ends_with(' ');
        if (!is_value)
            return std::unexpected(
                Findings{{entry.value->mark, "", in_ticks(*text) + " is no value of a header field", ""}});
        return Pair({entry.key, *text});
    });
}

// The entries of a map whose keys are known.
template <typename Take> void take_entries(const Node& node, std::string_view known, Findings& findings, Take take) {
    for (const auto& entry : node.entries)
        if (auto taken = entry.key.starts_with("x-") || take(entry); !taken)
            findings.push_back(
                {entry.key_mark, "", "unknown key " + in_ticks(entry.key), "known here: " + std::string(known)});
}

Parsed parse_certificates(const Key& key, const Node& node, const Origin& origin) {
    constexpr Key file{.path = "tls.file", .type = Type::file, .doc = ""};
    Pairs pairs;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        if (item->type != Node::Type::map) return misfit(key, *item);
        std::string cert;
        std::string key_file;
        const auto before = findings.size();
        take_entries(*item, "cert key", findings, [&](const Node::Entry& entry) {
            if (entry.key != "cert" && entry.key != "key") return false;
            const auto text = text_of(file, *entry.value);
            const auto path = text ? parse_path(file, *entry.value, *text, origin) : std::unexpected(text.error());
            if (path)
                (entry.key == "cert" ? cert : key_file) = std::get<std::string>(*path);
            else
                append(findings, path.error());
            return true;
        });
        if (findings.size() == before && (cert.empty() || key_file.empty()))
            append(
                findings,
                refuse(*item, std::string("a pair of `tls` has no `") + (cert.empty() ? "cert" : "key") + "`").error());
        pairs.emplace_back(std::move(cert), std::move(key_file));
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return pairs;
}

std::expected<ListenerSpec, Findings> parse_listener(const Key& key, const Node& node) {
    constexpr std::array on_off{Choice{"on"}, Choice{"off"}};
    const Key flag{.path = "listen.flag", .type = Type::choice, .doc = "", .choices = on_off};
    ListenerSpec listener;
    Findings findings;
    const auto take_address = [&](const Node& value) {
        const auto text = text_of(key, value);
        const auto address = text ? parse_endpoint(*text) : std::nullopt;
        if (address)
            listener.address = *address;
        else
            append(findings, text ? misfit(key, value, endpoint_hint(*text)).error() : text.error());
    };
    const auto take_flag = [&](const Node& value, bool& into) {
        const auto text = text_of(flag, value);
        const auto word = text ? parse_choice(flag, value, *text) : std::unexpected(text.error());
        if (word)
            into = std::get<std::string>(*word) == "on";
        else
            append(findings, word.error());
    };
    if (node.type != Node::Type::map) {
        take_address(node);
    } else {
        take_entries(node, "address tls proxy_protocol", findings, [&](const Node::Entry& entry) {
            if (entry.key == "address")
                take_address(*entry.value);
            else if (entry.key == "tls")
                take_flag(*entry.value, listener.flags.tls);
            else if (entry.key == "proxy_protocol")
                take_flag(*entry.value, listener.flags.proxy_protocol);
            else
                return false;
            return true;
        });
        if (findings.empty() && listener.address.port == 0)
            append(findings, refuse(node, "a listener has no `address`").error());
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    return listener;
}

Parsed parse_listeners(const Key& key, const Node& node) {
    std::vector<ListenerSpec> listeners;
    Findings findings;
    for (const auto* item : one_or_many(node)) {
        auto listener = parse_listener(key, *item);
        if (listener)
            listeners.push_back(*listener);
        else
            append(findings, listener.error());
    }
    if (!findings.empty()) return std::unexpected(std::move(findings));
    if (listeners.empty()) return refuse(node, "`" + std::string(key.name()) + "` is empty");
    return listeners;
}

} // namespace

bool is_front_type(Type type) noexcept { return type >= Type::listeners && type <= Type::certificates; }

std::string front_form(const Key& key) {
    switch (key.type) {
    case Type::listeners: return "ADDRESS:PORT (like 127.0.0.1:8080 or [::1]:8080), a port, or a list of such";
    case Type::host: return "a host name (example.org, *.example.org) or an IP address";
    case Type::path_pattern: return "a pattern of paths: /x/ and all below it, /x alone, *.php, /a/*/b";
    case Type::targets: return "the name of a dynamic worker, ADDRESS:PORT, or a list of addresses";
    case Type::fallback: return "the name of a dynamic worker, ADDRESS:PORT, or the path of a file (/index.html)";
    case Type::texts: return "a text, or a list of such";
    case Type::file_names: return "a file name, or a list of such";
    case Type::names: return "a name, or a list of such";
    case Type::some_words: {
        std::string words;
        for (const Choice& choice : key.choices) words += (words.empty() ? "" : ", ") + std::string(choice.word);
        return "one of " + words + ", or a list of such";
    }
    case Type::expires: return "a duration (1h, 30d), immutable or off, or a map of patterns of paths to these";
    case Type::media_types: return "ending: media type, a line each";
    case Type::headers: return "Name: value, a line each";
    case Type::blocks: return "an IP address or a block of them (10.0.0.0/8), or a list of such";
    case Type::certificates: return "{cert: FILE, key: FILE}, or a list of such";
    default: return {};
    }
}

Parsed parse_front_value(const Key& key, const Node& node, const Origin& origin) {
    switch (key.type) {
    case Type::listeners: return parse_listeners(key, node);
    case Type::expires: return parse_expires(key, node);
    case Type::media_types: return parse_media_types(key, node);
    case Type::headers: return parse_headers(key, node);
    case Type::certificates: return parse_certificates(key, node, origin);
    case Type::targets:
    case Type::texts:
    case Type::file_names:
    case Type::names:
    case Type::some_words:
    case Type::blocks: return parse_items(key, node);
    default: break;
    }
    const auto text = text_of(key, node);
    if (!text) return std::unexpected(text.error());
    if (key.type == Type::host) return parse_host(key, node, *text);
    return key.type == Type::path_pattern ? parse_pattern(key, node, *text) : parse_fallback(key, node, *text);
}

} // namespace mpsup::topology
