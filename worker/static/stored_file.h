// A file as it is answered with: its forms, and what is said of them.
#pragma once

#include "base/background.h"
#include "base/fd.h"
#include "worker/contract/files.h"
#include "worker/http/http_date.h"
#include "worker/links/link_map.h"
#include "worker/links/page_head.h"
#include "worker/static/compression.h"
#include "worker/static/content_coding.h"
#include "worker/static/media_types.h"
#include "worker/static/page_rewriting.h"
#include "worker/static/root.h"
#include "worker/static/validators.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace mpsup::static_files {

/// One form of a file: the file itself, one that lies compressed beside it, or one that we compressed. Does not change once
/// it is made, so replies hold on to it while they are sent. Its bytes are of one state of the file: what is in `content`
/// was read between two looks at that state.
struct Form {
    Validators validators;
    http::HttpDate modified;
    std::uint64_t size = 0;
    std::string content;       // when `file` is empty
    Fd file;                   // a regular file that is open for reading
    struct stat status{};      // of the file that it was made from, when that was opened
    std::string_view encoding; // constant; empty for the file itself
    std::string media_type;
    std::string cache_control; // empty: nothing is said
    std::string tag{};         // of a page whose links were rewritten: that of PageRewriting; else empty

    [[nodiscard]] std::string_view last_modified() const noexcept { return {modified.data(), modified.size()}; }
};

/// What another thread makes of a file.
struct BetterForm {
    std::atomic<bool> ready = false; // and then `content` is the loop's
    std::optional<std::string> content;
};

struct StoredFile {
    using Time = std::chrono::steady_clock::time_point;

    std::string key;                                              // the path of requests that it answers, decoded
    std::string path;                                             // below the root
    std::array<std::shared_ptr<const Form>, coding_count> forms;  // by Coding; the file itself is always there
    std::array<bool, coding_count> may_compress{};                // into which codings it was not tried yet
    std::array<bool, coding_count> may_improve{};                 // it was, with little effort
    std::array<std::shared_ptr<BetterForm>, coding_count> better; // what is being made of it
    bool negotiated = false;                                      // clients may get it in several forms
    bool settled = false; // no form changed within the last two seconds, so that the next change shows in its status
    Time checked;         // when it was last known to be what the file system has
    bool used = false;    // since the cache last looked for something to let go of

    [[nodiscard]] const std::shared_ptr<const Form>& form(Coding coding) const noexcept {
        return forms[static_cast<std::size_t>(coding)];
    }
    [[nodiscard]] std::size_t memory() const noexcept;
    [[nodiscard]] std::size_t descriptors() const noexcept;
};

/// Up to this size the bytes themselves are kept; of larger files a descriptor.
constexpr std::size_t most_in_memory = 16384;

/// A larger page takes longer to rewrite than an event loop should be busy with one request.
constexpr std::size_t most_at_once = 65536;

/// A file that was opened, before its links are right. Belongs to one loop, but for rewrite().
class FileInWork {
public:
    /// Rewrites links where that is to be done. In any thread, any number of times: one does it, the others wait for it.
    void rewrite() {
        std::call_once(once_, [this] { rewrite_once(); });
    }
    /// May rewrite() take longer than an event loop has?
    [[nodiscard]] bool is_long() const noexcept {
        return page_.kind != links::PageKind::none && size_ > most_at_once && size_ <= links::most_rewritten;
    }
    [[nodiscard]] bool is_finished() const noexcept { return finished_; }
    [[nodiscard]] const StoredFile& file() const noexcept { return *file_; }
    /// Are both of one version of one file?
    [[nodiscard]] bool is_of_same(const FileInWork& other) const noexcept;

    StoredFile::Time opened{}; // by the clock of whoever has it opened

private:
    friend class FileLoader;
    void rewrite_once();

    std::shared_ptr<StoredFile> file_;
    std::shared_ptr<Form> form_; // not yet among the forms of the file
    std::uint64_t size_ = 0;     // as it was opened
    struct stat status_{};       // of that
    links::PageType page_;
    std::shared_ptr<const links::LinkMap> map_;
    std::string tag_;
    std::time_t begun_ = 0; // wall clock
    std::once_flag once_;
    std::optional<contract::PageFate> fate_;
    bool finished_ = false;
};

/// Makes them. A page (html, css) whose links are to be rewritten and need it is kept as it is sent, up to
/// links::most_rewritten: tag, parts and compressed forms are of that text, no date is said, and what lies compressed beside it is left alone,
/// because its links are the old ones. A larger one stays as it is.
class FileLoader {
public:
    FileLoader(Root root, contract::Files files, PageRewriting pages = {});

    [[nodiscard]] const Root& root() const noexcept { return root_; }
    [[nodiscard]] const contract::Files& files() const noexcept { return files_; }
    /// Codings that are looked for beside a file, the best first.
    [[nodiscard]] const std::vector<Coding>& beside() const noexcept { return beside_; }

    /// Opens `path` and what lies compressed beside it. A compressed file is left alone when it is older than the original, by
    /// the second (tools that give it the time of the original round it down): somebody forgot to make it anew. Error: errno;
    /// EISDIR for a folder, EINVAL for whatever else is no regular file. `now`: wall clock.
    [[nodiscard]] std::expected<std::shared_ptr<StoredFile>, int> load(std::string key, std::string path,
                                                                       std::time_t now) const;
    /// The two halves of it, for whoever has rewrite() called elsewhere in between. The second may be asked again.
    [[nodiscard]] std::expected<std::shared_ptr<FileInWork>, int> open(std::string key, std::string path,
                                                                       std::time_t now) const;
    [[nodiscard]] std::shared_ptr<StoredFile> finish(FileInWork& work) const;

    /// Does the file system still have exactly this?
    [[nodiscard]] bool still_true(const StoredFile& stored) const;
    /// Is the file that this form has open as it was, and its name not given to another one?
    [[nodiscard]] static bool is_untouched(const Form& form) noexcept;

    /// Compresses it into this coding with little effort, and notes that this was tried.
    void compress(StoredFile& stored, Coding coding) const;
    /// Has the thread do it better, or takes what that has made, when it may be improved. True: there is a new form.
    bool improve(StoredFile& stored, Coding coding, Background& thread) const;

private:
    [[nodiscard]] std::expected<std::shared_ptr<Form>, int> open_form(const char* path, std::string_view name) const;
    void open_compressed(StoredFile& stored, Coding coding, std::time_t now) const;

    Root root_;
    contract::Files files_;
    PageRewriting pages_;
    std::shared_ptr<const links::LinkMap> map_; // a copy, for threads that outlive whoever owns the map
    MediaTypes types_;
    std::vector<Coding> beside_;
};

} // namespace mpsup::static_files
