// Answers GET and HEAD from a folder.
#pragma once

#include "base/error.h"
#include "worker/contract/files.h"
#include "worker/http/reply.h"
#include "worker/http/request.h"
#include "worker/static/compression.h"
#include "worker/static/file_cache.h"
#include "worker/static/stored_file.h"

#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mpsup::static_files {

class ErrorPages;

/// The path of a request, decoded once, is looked up below the root (contract::Files says where and how); links lead where
/// root.h says. A folder answers with its index, or its listing where that is on, and without its last slash by a redirect.
/// 404: paths outside of `serves`, bad escapes, "..", names that begin with a dot (but what is below /.well-known/, RFC 8615),
/// whatever is not a regular file. 403: not readable. 406: identity is refused and there is nothing else. 503: descriptors
/// have run out. Other methods: 405.
///
/// Of the forms of a file (stored_file.h) the client gets the one that it likes best; at a tie one that lies beside the file
/// goes before one that we compress, and that before the file itself. Text is compressed once a change: fast, the first time
/// that somebody takes it so, and the second time better, by another thread. What CompressionBudget does not allow, what has
/// changed in the last two seconds, and where parts are wanted, the file itself is sent.
///
/// Whatever is kept in memory is compared with the file system once in `validate`, so that is how long a change may go
/// unseen; a large file that changes in place is noticed at once. Parts as byte_ranges.h says, unless If-Range names another
/// state. Tags, dates and conditions as in validators.h. Used from one thread.
class StaticFiles {
public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        FileCache::Bounds bounds{};
        std::chrono::milliseconds validate{1000};
        Clock::time_point (*now)() = &coarse_now;
        std::time_t (*wall)() = [] { return std::time(nullptr); };
        ErrorPages* error_pages = nullptr; // outlives this, as the next
        PageRewriting pages{};
        bool defers = false;               // large pages are rewritten by whoever asks: see answer()
        Background* compressors = nullptr; // a thread that compresses better what is asked for again
    };

    [[nodiscard]] static Result<StaticFiles> open(contract::Files files, const Options& options);
    [[nodiscard]] static Result<StaticFiles> open(contract::Files files) { return open(std::move(files), Options()); }

    /// Fills `reply`, which is clear. Waits for nothing but the file system.
    ///
    /// Null, unless Options::defers: then maybe a large page on its way, and `reply` is untouched. Whoever asks has its links
    /// rewritten (FileInWork::rewrite(), in a thread) and then calls the second one. All who ask for one version of a page
    /// meanwhile get the same, so it is rewritten once.
    std::shared_ptr<FileInWork> answer(const http::Request& request, http::Reply& reply);
    std::shared_ptr<FileInWork> answer(const http::Request& request, FileInWork& rewritten, http::Reply& reply);
    /// The same, but false, with `reply` clear, when there is no such file, or the method is none for files: somebody else
    /// may know. A folder without index and listing is no such file.
    [[nodiscard]] bool try_answer(const http::Request& request, http::Reply& reply);

    /// Does `path` (decoded) belong to it?
    [[nodiscard]] bool serves(std::string_view path) const noexcept;

    /// CLOCK_MONOTONIC_COARSE: exact to a few milliseconds, and cheap.
    [[nodiscard]] static Clock::time_point coarse_now() noexcept;

    [[nodiscard]] const FileCache& cache() const noexcept { return cache_; }

private:
    enum class Outcome { answered, missing, folder, deferred }; // deferred: to `awaited_`

    StaticFiles(FileLoader loader, const Options& options) noexcept
        : loader_(std::move(loader)), options_(options), cache_(options.bounds) {}

    [[nodiscard]] Outcome look_up(const http::Request& request, http::Reply& reply, bool redirects_always);
    [[nodiscard]] Outcome look_up_folder(const http::Request& request, http::Reply& reply);
    [[nodiscard]] Outcome answer_file(const std::string& key, std::string_view path, const http::Request& request,
                                      http::Reply& reply);
    [[nodiscard]] Outcome answer_error(int error, http::Reply& reply);
    [[nodiscard]] bool list(http::Reply& reply);
    [[nodiscard]] bool is_answered_folder(const std::string& path);
    [[nodiscard]] std::shared_ptr<StoredFile> fresh(std::string_view key);
    // Null: `awaited_` comes first.
    [[nodiscard]] std::expected<std::shared_ptr<StoredFile>, int> load(const std::string& key, std::string_view path);
    [[nodiscard]] std::shared_ptr<FileInWork> joined(std::shared_ptr<FileInWork> work);
    [[nodiscard]] std::shared_ptr<StoredFile> finish(FileInWork& work);
    std::shared_ptr<FileInWork> concluded(Outcome outcome, http::Reply& reply);
    [[nodiscard]] Outcome send(const std::shared_ptr<StoredFile>& file, const http::Request& request,
                               http::Reply& reply);
    [[nodiscard]] std::shared_ptr<const Form> choose(const std::shared_ptr<StoredFile>& file,
                                                     const http::Request& request, bool whole);
    void compress(const std::shared_ptr<StoredFile>& file, Coding coding);
    void complain(int error);

    FileLoader loader_;
    Options options_;
    FileCache cache_;
    CompressionBudget budget_;
    std::string path_;                                                   // of the request in hand, decoded
    std::shared_ptr<FileInWork> awaited_;                                // by the request in hand
    std::unordered_map<std::string, std::weak_ptr<FileInWork>> in_work_; // by key
    Clock::time_point last_complaint_{};
};

} // namespace mpsup::static_files
