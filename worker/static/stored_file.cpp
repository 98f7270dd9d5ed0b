#include "worker/static/stored_file.h"

#include "worker/http/percent.h"
#include "worker/http/socket_io.h"
#include "worker/links/page_head.h"
#include "worker/static/freshness.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mpsup::static_files {

namespace {

constexpr std::time_t settled_after = 2; // seconds: some file systems keep times no finer
constexpr int read_attempts = 3;

constexpr std::size_t index(Coding coding) noexcept { return static_cast<std::size_t>(coding); }

bool same_time(const timespec& left, const timespec& right) noexcept {
    return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

// ctime moves with every change of content, permission or links, and no program can set it.
bool same_state(const struct stat& left, const struct stat& right) noexcept {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino && left.st_size == right.st_size &&
           left.st_mode == right.st_mode && same_time(left.st_mtim, right.st_mtim) &&
           same_time(left.st_ctim, right.st_ctim);
}

bool is_settled(const struct stat& status, std::time_t now) noexcept {
    return now - status.st_ctim.tv_sec >= settled_after;
}

bool is_stand_in(const struct stat& compressed, const struct stat& original) noexcept {
    return S_ISREG(compressed.st_mode) && compressed.st_mtim.tv_sec >= original.st_mtim.tv_sec;
}

// The whole file, of one state: `status` is what it was before and after.
bool read_whole(const Fd& file, struct stat& status, std::string& content) {
    for (int attempt = 0; attempt < read_attempts; ++attempt) {
        struct stat after{};
        const bool read = http::read_part(file.get(), 0, static_cast<std::size_t>(status.st_size), content);
        if (::fstat(file.get(), &after) != 0) return false;
        if (read && same_state(status, after)) return true;
        status = after;
        if (static_cast<std::uint64_t>(status.st_size) > most_compressed) return false;
    }
    return false;
}

// May run in any thread.
std::optional<std::string> coded(const Form& original, Coding coding, Effort effort) {
    if (!original.file) return compress(coding, effort, original.content);
    std::string text;
    struct stat status = original.status;
    if (!read_whole(original.file, status, text) || !same_state(status, original.status)) return std::nullopt;
    return compress(coding, effort, text);
}

std::shared_ptr<const Form> coded_form(const Form& original, Coding coding, std::string content) {
    const std::string name = (original.tag.empty() ? "" : original.tag + "-").append(coding_ending(coding));
    const Validators validators(original.status, name, Validators::Strength::weak);
    const std::size_t size = content.size();
    return std::make_shared<const Form>(Form{original.validators.dated() ? validators : validators.without_date(),
                                             original.modified,
                                             size,
                                             std::move(content),
                                             {},
                                             original.status,
                                             coding_name(coding),
                                             original.media_type,
                                             original.cache_control,
                                             original.tag});
}

} // namespace

std::size_t StoredFile::memory() const noexcept {
    std::size_t sum = 0;
    for (const auto& form : forms) sum += form ? form->content.size() : 0;
    return sum;
}

std::size_t StoredFile::descriptors() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(forms, [](const auto& form) { return form && form->file; }));
}

FileLoader::FileLoader(Root root, contract::Files files, PageRewriting pages)
    : root_(std::move(root)), files_(std::move(files)), pages_(std::move(pages)), types_(files_.types) {
    if (pages_.map) map_ = std::make_shared<const links::LinkMap>(*pages_.map);
    for (const std::string& ending : files_.precompressed)
        if (const auto coding = coding_of_ending(ending); coding && std::ranges::count(beside_, *coding) == 0)
            beside_.push_back(*coding);
}

// `name`: of the form in its tag.
std::expected<std::shared_ptr<Form>, int> FileLoader::open_form(const char* path, std::string_view name) const {
    Fd file = root_.open_file(path);
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return std::unexpected(errno);
    if (!S_ISREG(status.st_mode)) return std::unexpected(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    std::string content;
    if (static_cast<std::uint64_t>(status.st_size) <= most_in_memory && read_whole(file, status, content)) file.reset();
    if (file) content.clear(); // it changes all the time, or is large
    const Validators validators(status, name);
    return std::make_shared<Form>(Form{validators,
                                       http::format_http_date(validators.modified()),
                                       static_cast<std::uint64_t>(status.st_size),
                                       std::move(content),
                                       std::move(file),
                                       status,
                                       {},
                                       {},
                                       {},
                                       {}});
}

bool FileInWork::is_of_same(const FileInWork& other) const noexcept {
    return file_->key == other.file_->key && file_->path == other.file_->path && same_state(status_, other.status_);
}

void FileInWork::rewrite_once() {
    if (page_.kind == links::PageKind::none) return;
    Form& form = *form_;
    if (form.size > links::most_rewritten) return fate_ = contract::PageFate::too_large, void();
    struct stat status = form.status;
    if (form.file && (!read_whole(form.file, status, form.content) || !same_state(status, form.status)))
        return form.content.clear(); // it changes all the time: the next request looks again
    auto text = links::rewritten_page(page_.kind, {form.content, http::encode_path(file_->key), page_.charset}, *map_);
    fate_ = text ? contract::PageFate::rewritten : text.error();
    if (!text) {
        if (form.file) form.content = {};
        return;
    }
    form.content = std::move(*text);
    form.size = form.content.size();
    form.file.reset();
    form.tag = tag_;
    form.validators = Validators(form.status, form.tag).without_date();
}

std::expected<std::shared_ptr<FileInWork>, int> FileLoader::open(std::string key, std::string path,
                                                                 std::time_t now) const {
    auto opened = open_form(path.c_str(), {});
    if (!opened) return std::unexpected(opened.error());
    auto work = std::make_shared<FileInWork>();
    work->form_ = std::move(*opened);
    work->size_ = work->form_->size;
    work->status_ = work->form_->status;
    work->form_->media_type = types_.of(path);
    work->form_->cache_control = cache_control(files_, key);
    if (map_) {
        work->page_ = links::page_type(work->form_->media_type);
        work->map_ = map_;
        work->tag_ = pages_.tag;
    }
    work->file_ = std::make_shared<StoredFile>();
    work->file_->key = std::move(key);
    work->file_->path = std::move(path);
    work->begun_ = now;
    return work;
}

std::shared_ptr<StoredFile> FileLoader::finish(FileInWork& work) const {
    const std::shared_ptr<StoredFile>& stored = work.file_;
    if (std::exchange(work.finished_, true)) return stored;
    if (work.fate_) pages_.tell(*work.fate_);
    const Form& form = *work.form_;
    stored->settled = is_settled(form.status, work.begun_);
    stored->forms[index(Coding::identity)] = work.form_;
    const bool can_shrink = files_.compress && form.size >= least_compressed && form.size <= most_compressed &&
                            is_compressible(form.media_type);
    if (form.tag.empty())
        for (const Coding coding : beside_) open_compressed(*stored, coding, work.begun_);
    for (const Coding coding : codings) {
        stored->may_compress[index(coding)] = can_shrink && !stored->form(coding);
        stored->negotiated |= can_shrink || stored->form(coding) != nullptr;
    }
    return stored;
}

std::expected<std::shared_ptr<StoredFile>, int> FileLoader::load(std::string key, std::string path,
                                                                 std::time_t now) const {
    const auto work = open(std::move(key), std::move(path), now);
    if (!work) return std::unexpected(work.error());
    (*work)->rewrite();
    return finish(**work);
}

void FileLoader::open_compressed(StoredFile& stored, Coding coding, std::time_t now) const {
    const Form& original = *stored.form(Coding::identity);
    auto opened = open_form((stored.path + '.').append(coding_ending(coding)).c_str(), coding_ending(coding));
    if (!opened || !is_stand_in((*opened)->status, original.status)) return;
    (*opened)->encoding = coding_name(coding);
    (*opened)->media_type = original.media_type;
    (*opened)->cache_control = original.cache_control;
    stored.settled = stored.settled && is_settled((*opened)->status, now);
    stored.forms[index(coding)] = std::move(*opened);
}

bool FileLoader::still_true(const StoredFile& stored) const {
    const Form& original = *stored.form(Coding::identity);
    struct stat status{};
    if (!root_.status(stored.path.c_str(), status) || !same_state(status, original.status)) return false;
    if (!original.tag.empty()) return true;
    return std::ranges::all_of(beside_, [&](Coding coding) {
        const Form* form = stored.form(coding).get();
        const bool is_from_disk = form && !form->validators.weak();
        const std::string path = (stored.path + '.').append(coding_ending(coding));
        if (!root_.status(path.c_str(), status)) return !is_from_disk;
        return is_from_disk ? same_state(status, form->status) : !is_stand_in(status, original.status);
    });
}

bool FileLoader::is_untouched(const Form& form) noexcept {
    struct stat status{};
    return ::fstat(form.file.get(), &status) == 0 && same_state(status, form.status);
}

void FileLoader::compress(StoredFile& stored, Coding coding) const {
    stored.may_compress[index(coding)] = false;
    auto content = coded(*stored.form(Coding::identity), coding, Effort::low);
    if (!content) return;
    stored.may_improve[index(coding)] = true;
    stored.forms[index(coding)] = coded_form(*stored.form(Coding::identity), coding, std::move(*content));
}

bool FileLoader::improve(StoredFile& stored, Coding coding, Background& thread) const {
    if (!stored.may_improve[index(coding)]) return false;
    auto& better = stored.better[index(coding)];
    const auto& original = stored.form(Coding::identity);
    if (!better) {
        better = std::make_shared<BetterForm>();
        const bool runs = thread.run([original, coding, better] {
            better->content = coded(*original, coding, Effort::high);
            better->ready.store(true, std::memory_order_release);
        });
        if (!runs) better.reset(); // the next request may have more luck
        return false;
    }
    if (!better->ready.load(std::memory_order_acquire)) return false;
    stored.may_improve[index(coding)] = false;
    const auto made = std::exchange(better, nullptr);
    std::optional<std::string>& content = made->content;
    if (!content || content->size() >= stored.form(coding)->size) return false;
    stored.forms[index(coding)] = coded_form(*original, coding, std::move(*content));
    return true;
}

} // namespace mpsup::static_files
