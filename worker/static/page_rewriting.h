// How the links of files that are pages are rewritten.
#pragma once

#include "worker/contract/page_fate.h"
#include "worker/links/link_map.h"

#include <functional>
#include <string>

namespace mpsup::static_files {

struct PageRewriting {
    const links::LinkMap* map = nullptr; // null: they are not
    std::string tag{};                   // of the map, in entity tags: another map makes other bytes of a file
    std::function<void(contract::PageFate)> tell{}; // of each page that is read, once a version of it
};

} // namespace mpsup::static_files
