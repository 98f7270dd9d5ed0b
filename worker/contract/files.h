// A folder whose files a worker hands out, and how.
#pragma once

#include "worker/contract/path_pattern.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace mpsup::contract {

using Seconds = std::chrono::seconds;
using Texts = std::vector<std::string>;
using TextPairs = std::vector<std::pair<std::string, std::string>>; // in the order of the topology

/// What Cache-Control says of files; the first rule that matches.
struct ExpiresRule {
    enum class Kind {
        max_age,
        immutable, // good for a year, and never asked for again
        off,       // nothing is said, whatever later rules say
    };

    PathPattern path{};
    Seconds max_age{0}; // 0: "no-cache"
    Kind kind = Kind::max_age;

    friend bool operator==(const ExpiresRule&, const ExpiresRule&) = default;
};

enum class Symlinks {
    inside,   // followed while they stay below the root
    owner,    // followed when link and target belong to the same user
    off,      // refused
    anywhere, // followed
};

/// A folder whose files are handed out.
struct Files {
    std::string root{}; // absolute
    std::string
        strip_prefix{}; // "/x": taken off the path before it is looked up (`alias`); empty: the whole path counts
    Texts serves{};     // path prefixes that are its ("/static/"); none: all
    Texts index{"index.html"}; // names tried for a folder, in this order
    std::vector<ExpiresRule> expires{};
    bool fingerprinted = false; // names that hold a digest of the content never change: immutable for a year
    bool compress = true;       // text is compressed on the fly for clients that take it
    Texts precompressed{"br", "zst", "gz"}; // endings of files beside a file that hold it compressed, best first
    Symlinks symlinks = Symlinks::inside;
    bool listing = false;   // folders without an index are listed
    TextPairs types{};      // ending without a dot: media type; before what is known
    std::string try_file{}; // "/index.html": this file of the root when there is none of the request's path

    friend bool operator==(const Files&, const Files&) = default;
};

} // namespace mpsup::contract
