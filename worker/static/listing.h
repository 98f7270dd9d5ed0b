// What a folder holds, as a page.
#pragma once

#include "worker/static/root.h"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::static_files {

struct ListedName {
    std::string name;
    bool is_folder = false;
    std::uint64_t size = 0; // of a file
    std::time_t modified = 0;

    friend bool operator==(const ListedName&, const ListedName&) = default;
};

constexpr std::size_t most_listed = 2000;

struct Listed {
    std::vector<ListedName> names; // folders first, then by name
    bool whole = true;             // there are not more than most_listed
};

/// What requests could get in this folder: regular files and folders, no dot files, links only where they are followed.
/// Path as for Root, "." is the root itself. Error: errno.
[[nodiscard]] std::expected<Listed, int> list_folder(const Root& root, const char* path);

/// HTML in UTF-8 that needs nothing else, no script either; everything that files are called is escaped. `path`: of the
/// request, decoded, with its last slash. `is_top`: there is no way up.
[[nodiscard]] std::string listing_page(std::string_view path, const Listed& listed, bool is_top);

} // namespace mpsup::static_files
