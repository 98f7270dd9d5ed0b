// One value of the topology language: from its node, checked, and to its text again.
#pragma once

#include "base/address.h"
#include "supervisor/topology/environment.h"
#include "supervisor/topology/front_spec.h"
#include "supervisor/topology/hook.h"
#include "supervisor/topology/node.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mpsup::topology {

enum class Type {
    name,         // [A-Za-z][A-Za-z0-9_-]*, at most 32 characters
    choice,       // one of the key's words
    ip,           // numeric, without a port
    ip_length,    // "10.0.0.100/24", an address and the length of its network
    endpoint,     // "127.0.0.1:8080", or a port alone
    addresses,    // "127.0.0.1:8080", or a list of such
    url_path,     // "/up"
    origin,       // "https://www.example.org", "http://10.0.0.1:8080"
    url_prefixes, // "/static/", or a list of such
    file,         // a regular file that can be read; relative to the topology file
    folder,       // a folder that can be searched; relative to the topology file
    url_targets,  // "/up?x=1", or a list of such
    command,      // a program and its arguments, as a list; the program by a path or found in PATH
    hooks,        // {exec: command} or {webhook: URL}, each with a timeout or without, or a list of such
    environment,  // NAME: text, or NAME: {file: a secret}
    words,        // glob: one of the key's words
    integer,      // decimal digits; or one of the key's words, which stands for 0
    size,         // bytes with a unit
    percent,      // "20%"
    share,        // "2", or "25%"; of machines where it is a key of the site
    roll_steps,   // "1", "25%", "pause 1m", "pause", as a list
    duration,     // a number with a unit
    listeners,    // "127.0.0.1:8080", a port alone, or {address, tls, proxy_protocol}, or a list of such
    host,         // "example.org", "*.example.org", an IP address
    path_pattern, // "/x/", "/x", "*.php", "/a/*/b"
    targets,      // a dynamic worker, an address, or a list of addresses
    fallback,     // a dynamic worker, an address, or "/file"
    texts,        // any text without control characters, or a list of such
    file_names,   // a name without a slash, or a list of such
    names,        // names as of Type::name, or a list of such
    some_words,   // one of the key's words, or a list of such; the last word alone stands for none
    expires,      // pattern of paths: duration; or a duration for all
    media_types,  // ending: media type
    headers,      // Name: value; an empty value takes the field away
    blocks,       // IP address or block of such, or a list
    certificates, // {cert: FILE, key: FILE}, or a list of such
    section,      // keys of its own
    items,        // a list of maps, each with the keys below `*`
    sections,     // names of the user's, each with keys of its own
    anything,     // of a key that this version only knows by name
};

using Words = std::map<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>; // in the order of the file
using Value =
    std::variant<std::string, std::int64_t, std::chrono::milliseconds, std::vector<std::string>, std::vector<Address>,
                 Environment, Words, std::vector<Hook>, Pairs, std::vector<ListenerSpec>>;

struct Key; // key_table.h

/// Where values come from.
struct Origin {
    std::string folder;                 // that relative paths start from; empty: they are refused
    bool look_at_files = true;          // must `file` and `folder` exist, and secrets be readable?
    std::vector<std::string> folders{}; // of each file that was read, by Mark::file; none: `folder` is that of all

    [[nodiscard]] const std::string& folder_of(const Node& node) const {
        return folders.empty() ? folder : folders.at(static_cast<std::size_t>(node.mark.file));
    }
};

/// The value of `key` in `node`, or all that is wrong with it. `key` names a type below `section`. The findings carry
/// no key path.
[[nodiscard]] std::expected<Value, Findings> parse_value(const Key& key, const Node& node, const Origin& origin);

/// Is this a name as sites, machines and workers have them?
[[nodiscard]] bool is_name(std::string_view text) noexcept;

} // namespace mpsup::topology
