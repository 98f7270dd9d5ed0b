// The site that the tests of this folder link within: files on one port, an application on the other.
#pragma once

#include "worker/links/link_map.h"

namespace mpsup::links {

inline std::vector<Server> two_servers() {
    return {{{"http", "www.example.org", 8080}, {"/static/", "/img/deep/", "/favicon.ico"}},
            {{"http", "www.example.org", 8081}, {}}};
}

/// As the application sees it.
inline LinkMap of_application() { return {two_servers(), 1}; }
/// As the files see it.
inline LinkMap of_files() { return {two_servers(), 0}; }

} // namespace mpsup::links
