// Answers GET and HEAD from a folder.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/reply.h"
#include "worker/http/request.h"
#include "worker/static/file_cache.h"

#include <chrono>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace mpsup::static_files {

/// The whole path of a request, decoded once, is looked up below the root; nothing outside of it is ever opened,
/// whatever symbolic links say (openat2(2), RESOLVE_BENEATH). A folder answers with its index.html, and without its
/// last slash by a redirect. 404: paths outside of `serves`, bad escapes, ".." and names that begin with a dot,
/// whatever is not a regular file. 403: not readable. 503: descriptors have run out. Other methods: 405.
/// Parts of files as byte_ranges.h says, several as multipart/byteranges (RFC 9110 section 14.6), unless If-Range names
/// another state. Entity tags and dates as in validators.h. Used from one thread.
class StaticFiles {
public:
    /// `serves`: path prefixes that are answered ("/static/", or one file "/robots.txt"); none: everything.
    [[nodiscard]] static Result<StaticFiles> open(const std::string& root, std::vector<std::string> serves);

    /// Fills `reply`, which is clear. Waits for nothing but the file system.
    void answer(const http::Request& request, http::Reply& reply);

    /// Does `path` (decoded) belong to it?
    [[nodiscard]] bool serves(std::string_view path) const noexcept;

private:
    StaticFiles(Fd root, std::vector<std::string> serves) noexcept
        : root_(std::move(root)), serves_(std::move(serves)) {}

    [[nodiscard]] Fd open_beneath(const char* path) const noexcept;
    void complain(int error);
    void look_up(const http::Request& request, http::Reply& reply);
    void send_file(const http::Request& request, http::Reply& reply, Fd file, const struct stat& status);
    void send_kept(const http::Request& request, http::Reply& reply, const FileCache::Entry& entry);

    Fd root_; // O_PATH
    std::vector<std::string> serves_;
    std::string path_; // of the request in hand, below the root
    FileCache cache_;
    std::chrono::steady_clock::time_point last_complaint_{};
};

} // namespace mpsup::static_files
