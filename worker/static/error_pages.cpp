#include "worker/static/error_pages.h"

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <unistd.h>

namespace mpsup::static_files {

namespace {

constexpr std::size_t largest = std::size_t{256} << 10U;
constexpr std::size_t most_pages = 64;
constexpr std::chrono::seconds pause{1};

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

bool same_state(const struct stat& left, const struct stat& right) noexcept {
    return left.st_ino == right.st_ino && left.st_size == right.st_size && left.st_mode == right.st_mode &&
           left.st_ctim.tv_sec == right.st_ctim.tv_sec && left.st_ctim.tv_nsec == right.st_ctim.tv_nsec;
}

// Nothing: not a file that can be a page, or one that was being written.
std::shared_ptr<const std::string> read_page(int folder, const char* name) {
    const Fd file(::openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    struct stat before{};
    if (!file || ::fstat(file.get(), &before) != 0 || !S_ISREG(before.st_mode) || before.st_size == 0) return nullptr;
    auto content = mpsup::read_file(file, name, largest);
    struct stat after{};
    if (!content || ::fstat(file.get(), &after) != 0 || !same_state(before, after)) return nullptr;
    return std::make_shared<const std::string>(std::move(*content));
}

} // namespace

Result<ErrorPages> ErrorPages::open(const std::string& folder) {
    auto opened = open_file(folder, O_RDONLY | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    ErrorPages pages(std::move(*opened));
    pages.refresh({});
    pages.looked_.reset();
    return pages;
}

void ErrorPages::refresh(Time now) {
    if (looked_ && now - *looked_ < pause) return;
    looked_ = now;
    Fd again(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, CloseFolder> listing(::fdopendir(again.get()));
    if (!listing) return; // descriptors have run out: what was read is good enough
    static_cast<void>(again.release());
    std::set<std::string> there;
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string name = entry->d_name;
        struct stat status{};
        if (!name.ends_with(".html") || there.size() == most_pages) continue;
        if (::fstatat(folder_.get(), name.c_str(), &status, 0) != 0) continue;
        there.insert(name);
        Page& page = pages_[name];
        if (page.content && same_state(page.status, status)) continue;
        page = {status, read_page(folder_.get(), name.c_str())};
    }
    std::erase_if(pages_, [&](const auto& page) { return !there.contains(page.first); });
}

std::shared_ptr<const std::string> ErrorPages::page(std::string_view name) const {
    const auto found = pages_.find(name);
    return found == pages_.end() ? nullptr : found->second.content;
}

std::shared_ptr<const std::string> ErrorPages::find(int status, Time now) {
    if (status < 400 || status > 599) return nullptr;
    refresh(now);
    std::string name = std::to_string(status) + ".html";
    for (const std::size_t digit : {2U, 1U}) {
        if (auto exact = page(name)) return exact;
        name[digit] = 'x';
    }
    return page(name);
}

std::shared_ptr<const std::string> ErrorPages::maintenance(Time now) {
    refresh(now);
    return page("maintenance.html");
}

void ErrorPages::apply(http::Reply& reply, Time now) {
    if (auto content = find(reply.status, now)) reply.set_page(std::move(content));
}

} // namespace mpsup::static_files
