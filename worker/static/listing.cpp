#include "worker/static/listing.h"

#include "base/units.h"
#include "worker/http/percent.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace mpsup::static_files {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>)";
constexpr std::string_view style = R"(</title>
<style>
:root { color-scheme: light dark; --line: #8883; --soft: #777; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.25em; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3em .6em; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
td:first-child { overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--soft); }
a { text-decoration: none; color: #0b57d0; }
a:hover { text-decoration: underline; }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e3e3e3; }
  :root { --soft: #9aa0a6; }
  a { color: #8ab4f8; }
}
</style>
</head>
<body>
)";

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                out += "\xef\xbf\xbd"; // the replacement character
            else
                out += c;
        }
    }
}

std::string date_text(std::time_t time) {
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&time, &parts);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts)};
}

// "./" before it, because a name may hold a colon (RFC 3986 section 4.2).
void append_row(std::string& out, const ListedName& entry) {
    const std::string_view slash = entry.is_folder ? "/" : "";
    out += "<tr><td><a href=\"./";
    append_escaped(out, http::encode_path(entry.name));
    out.append(slash).append("\">");
    append_escaped(out, entry.name);
    out.append(slash).append("</a></td><td class=\"n\">");
    if (!entry.is_folder) out += format_size(entry.size);
    out.append("</td><td class=\"n\">").append(date_text(entry.modified)).append("</td></tr>\n");
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

// By the policy of the root for links: opened, not only looked at.
bool describe(const Root& root, const std::string& path, ListedName& entry) {
    const Fd file = root.open_file(path.c_str(), O_PATH);
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return false;
    entry.is_folder = S_ISDIR(status.st_mode);
    entry.size = static_cast<std::uint64_t>(status.st_size);
    entry.modified = status.st_mtim.tv_sec;
    return entry.is_folder || S_ISREG(status.st_mode);
}

} // namespace

std::expected<Listed, int> list_folder(const Root& root, const char* path) {
    Fd opened = root.open_file(path, O_DIRECTORY);
    if (!opened) return std::unexpected(errno);
    const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(opened.get()));
    if (!folder) return std::unexpected(errno);
    static_cast<void>(opened.release()); // the DIR has it
    Listed listed;
    while (const dirent* entry = ::readdir(folder.get())) {
        ListedName name{entry->d_name, false, 0, 0};
        if (name.name.starts_with('.')) continue;
        if (listed.names.size() == most_listed) {
            listed.whole = false;
            break;
        }
        if (describe(root, (std::string(path) + '/').append(name.name), name)) listed.names.push_back(std::move(name));
    }
    std::ranges::sort(listed.names, [](const ListedName& left, const ListedName& right) {
        return std::pair(!left.is_folder, std::string_view(left.name)) <
               std::pair(!right.is_folder, std::string_view(right.name));
    });
    return listed;
}

std::string listing_page(std::string_view path, const Listed& listed, bool is_top) {
    std::string page(head);
    append_escaped(page, path);
    page.append(style).append("<h1>");
    append_escaped(page, path);
    page += "</h1>\n<table>\n<tr><th>Name</th><th class=\"n\">Size</th><th class=\"n\">Changed (UTC)</th></tr>\n";
    if (!is_top) page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
    for (const ListedName& entry : listed.names) append_row(page, entry);
    page += "</table>\n";
    if (!listed.whole) page += "<p>There are more than these.</p>\n";
    page += "</body>\n</html>\n";
    return page;
}

} // namespace mpsup::static_files
