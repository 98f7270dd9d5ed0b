#include "worker/static/static_files.h"

#include "worker/http/error_log.h"
#include "worker/http/percent.h"
#include "worker/static/error_pages.h"
#include "worker/static/listing.h"
#include "worker/static/range_reply.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <utility>

namespace mpsup::static_files {

namespace {

constexpr std::string_view well_known = "/.well-known/";

int status_of(int error) {
    switch (error) {
    case EACCES:
    case EPERM: return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: return 503;
    case EIO: return 500;
    default: return 404; // ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EXDEV (out of the root), ENXIO (a socket), …
    }
}

bool has_dot_name(std::string_view path) {
    const std::size_t start = path.starts_with(well_known) ? well_known.size() - 1 : 0;
    return path.find("/.", start) != std::string_view::npos;
}

// As Root takes it.
std::string_view relative(std::string_view path) {
    const std::size_t first = path.find_first_not_of('/');
    return first == std::string_view::npos ? std::string_view(".") : path.substr(first);
}

// Status and fields; false when no content follows.
bool begin_reply(const http::Request& request, http::Reply& reply, const std::shared_ptr<const Form>& form,
                 bool negotiated, std::time_t now) {
    const int status = evaluate_conditions(request, form->validators);
    if (negotiated) reply.add_lent("Vary", "Accept-Encoding");
    if (status == 412) return refuse(reply, 412), false;
    reply.status = status;
    reply.lender = form;
    reply.add_lent("ETag", form->validators.field());
    // RFC 9110 section 8.8.2.1: never later than Date.
    if (form->validators.dated() && form->validators.modified() <= now)
        reply.add_lent("Last-Modified", form->last_modified());
    if (!form->cache_control.empty()) reply.add_lent("Cache-Control", form->cache_control);
    return status != 304;
}

void send_whole(http::Reply& reply, const std::shared_ptr<const Form>& form) {
    reply.add_lent("Content-Type", form->media_type);
    reply.add_lent("Accept-Ranges", "bytes");
    if (!form->file) return reply.lent = form->content, void();
    reply.lent_file = form->file.get();
    reply.file_size = form->size;
}

// A reference relative to the request's own path, so that it holds under any host name and no path can turn into a
// host (RFC 3986 section 4.2: a first segment with a colon needs the "./").
void redirect_to_folder(const http::Request& request, std::string_view path, http::Reply& reply) {
    std::string location = "./";
    location += http::encode_path(path.substr(path.rfind('/') + 1));
    location += '/';
    if (request.has_query) {
        location += '?';
        location += request.query;
    }
    refuse(reply, 301);
    reply.add("Location", location);
}

} // namespace

Result<StaticFiles> StaticFiles::open(contract::Files files, const Options& options) {
    auto root = Root::open(files.root, files.symlinks);
    if (!root) return std::unexpected(root.error());
    return StaticFiles(FileLoader(std::move(*root), std::move(files), options.pages), options);
}

StaticFiles::Clock::time_point StaticFiles::coarse_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return Clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

bool StaticFiles::serves(std::string_view path) const noexcept {
    const contract::Files& files = loader_.files();
    if (!path.starts_with(files.strip_prefix)) return false;
    const bool is_whole_segment = path.size() == files.strip_prefix.size() || path[files.strip_prefix.size()] == '/';
    if (!files.strip_prefix.empty() && !is_whole_segment) return false;
    if (files.serves.empty()) return true;
    for (const std::string_view prefix : files.serves) {
        if (!path.starts_with(prefix)) continue;
        if (path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/') return true;
    }
    return false;
}

std::shared_ptr<FileInWork> StaticFiles::answer(const http::Request& request, http::Reply& reply) {
    if (request.method == "GET" || request.method == "HEAD") return concluded(look_up(request, reply, true), reply);
    refuse(reply, 405);
    return concluded(Outcome::answered, reply);
}

std::shared_ptr<FileInWork> StaticFiles::answer(const http::Request& request, FileInWork& rewritten,
                                                http::Reply& reply) {
    return concluded(send(finish(rewritten), request, reply), reply);
}

std::shared_ptr<FileInWork> StaticFiles::concluded(Outcome outcome, http::Reply& reply) {
    if (outcome == Outcome::deferred) return std::exchange(awaited_, nullptr);
    if (outcome != Outcome::answered) refuse(reply, 404);
    if (reply.status >= 400 && options_.error_pages) options_.error_pages->apply(reply, options_.now());
    return nullptr;
}

bool StaticFiles::try_answer(const http::Request& request, http::Reply& reply) {
    if (request.method != "GET" && request.method != "HEAD") return false;
    if (look_up(request, reply, false) != Outcome::answered) return false;
    if (reply.status >= 400 && options_.error_pages) options_.error_pages->apply(reply, options_.now());
    return true;
}

// At most once a second: what one request met, the next thousand will meet.
void StaticFiles::complain(int error) {
    const auto now = options_.now();
    if (now - last_complaint_ < std::chrono::seconds(1)) return;
    last_complaint_ = now;
    http::log_error(http::Severity::error, system_failure("open a file", error).error().to_string());
}

StaticFiles::Outcome StaticFiles::look_up(const http::Request& request, http::Reply& reply, bool redirects_always) {
    // What is in the cache by its own name has passed all that follows. Names are decoded paths: "%20" in one is no space.
    if (!request.path.contains('%'))
        if (const auto file = fresh(request.path)) return send(file, request, reply);
    if (!http::decode_file_path(request.path, path_) || !serves(path_) || has_dot_name(path_)) return Outcome::missing;
    const contract::Files& files = loader_.files();
    Outcome outcome = Outcome::missing;
    if (path_.ends_with('/')) {
        outcome = look_up_folder(request, reply);
    } else {
        const std::string_view below = std::string_view(path_).substr(files.strip_prefix.size());
        outcome = answer_file(path_, below, request, reply);
        if (outcome == Outcome::folder && (redirects_always || is_answered_folder(std::string(relative(below))))) {
            redirect_to_folder(request, path_, reply);
            return Outcome::answered;
        }
    }
    if (outcome == Outcome::missing && !files.try_file.empty())
        outcome = answer_file(files.strip_prefix + files.try_file, files.try_file, request, reply);
    return outcome == Outcome::folder ? Outcome::missing : outcome;
}

StaticFiles::Outcome StaticFiles::look_up_folder(const http::Request& request, http::Reply& reply) {
    const contract::Files& files = loader_.files();
    for (const std::string& name : files.index) {
        const std::string key = path_ + name;
        const std::string_view below = std::string_view(key).substr(files.strip_prefix.size());
        const Outcome outcome = answer_file(key, below, request, reply);
        if (outcome == Outcome::answered || outcome == Outcome::deferred) return outcome;
    }
    return files.listing && list(reply) ? Outcome::answered : Outcome::missing;
}

bool StaticFiles::list(http::Reply& reply) {
    const std::string folder(relative(std::string_view(path_).substr(loader_.files().strip_prefix.size())));
    const bool is_top = folder == ".";
    const auto listed = list_folder(loader_.root(), is_top ? "." : folder.substr(0, folder.size() - 1).c_str());
    if (!listed) return answer_error(listed.error(), reply) == Outcome::answered;
    reply.text = listing_page(path_, *listed, is_top);
    reply.add_lent("Content-Type", "text/html; charset=utf-8");
    reply.add_lent("Cache-Control", "no-cache");
    return true;
}

bool StaticFiles::is_answered_folder(const std::string& path) {
    const contract::Files& files = loader_.files();
    if (files.listing) return true;
    for (const std::string& name : files.index)
        if (loader_.root().open_file((path + '/').append(name).c_str(), O_PATH)) return true;
    return false;
}

StaticFiles::Outcome StaticFiles::answer_file(const std::string& key, std::string_view path,
                                              const http::Request& request, http::Reply& reply) {
    if (const auto file = fresh(key)) return send(file, request, reply);
    const auto file = load(key, relative(path));
    if (!file) return answer_error(file.error(), reply);
    return *file ? send(*file, request, reply) : Outcome::deferred;
}

StaticFiles::Outcome StaticFiles::answer_error(int error, http::Reply& reply) {
    if (error == EISDIR) return Outcome::folder;
    const int status = status_of(error);
    if (status == 404) return Outcome::missing;
    if (status != 403) complain(error);
    refuse(reply, status);
    return Outcome::answered;
}

// From memory, when that is known to be true.
std::shared_ptr<StoredFile> StaticFiles::fresh(std::string_view key) {
    auto file = cache_.find(key);
    if (!file) return nullptr;
    const auto now = options_.now();
    if (now - file->checked < options_.validate) return file;
    if (loader_.still_true(*file)) return file->checked = now, file;
    cache_.forget(*file);
    return nullptr;
}

std::expected<std::shared_ptr<StoredFile>, int> StaticFiles::load(const std::string& key, std::string_view path) {
    const std::time_t now = options_.wall();
    auto work = loader_.open(key, std::string(path), now);
    if (!work && (work.error() == EMFILE || work.error() == ENFILE) && cache_.descriptors() > 0) {
        cache_.forget_descriptors(); // clients need them more
        work = loader_.open(key, std::string(path), now);
    }
    if (!work) return std::unexpected(work.error());
    (*work)->opened = options_.now();
    if (options_.defers && (*work)->is_long()) return awaited_ = joined(std::move(*work)), nullptr;
    (*work)->rewrite();
    return finish(**work);
}

// The one that is on its way, if it is of the same version.
std::shared_ptr<FileInWork> StaticFiles::joined(std::shared_ptr<FileInWork> work) {
    auto& known = in_work_[work->file().key];
    if (auto other = known.lock(); other && other->is_of_same(*work)) return other;
    known = work;
    return work;
}

std::shared_ptr<StoredFile> StaticFiles::finish(FileInWork& work) {
    if (work.is_finished()) return loader_.finish(work);
    auto file = loader_.finish(work);
    const std::string& key = file->key;
    if (const auto known = in_work_.find(key); known != in_work_.end() && known->second.lock().get() == &work)
        in_work_.erase(known);
    file->checked = work.opened;
    // Of the many ways to write one path, one is kept; and nothing under a path that would not be looked up (`try_file`).
    if (file->settled && !key.contains("//") && serves(key) && !has_dot_name(key)) cache_.keep(file);
    return file;
}

StaticFiles::Outcome StaticFiles::send(const std::shared_ptr<StoredFile>& file, const http::Request& request,
                                       http::Reply& reply) {
    const auto wanted = wanted_parts(request);
    const auto form = choose(file, request, !wanted);
    if (!form) {
        refuse(reply, 406);
        return reply.add_lent("Vary", "Accept-Encoding"), Outcome::answered;
    }
    if (form->file && file->settled && !FileLoader::is_untouched(*form)) {
        // It changed within the time that it is believed: look it up again. What is new is not settled, so this ends.
        cache_.forget(*file);
        const auto again = load(file->key, file->path);
        if (again) return *again ? send(*again, request, reply) : Outcome::deferred;
        if (answer_error(again.error(), reply) != Outcome::answered) refuse(reply, 404);
        return Outcome::answered;
    }
    const std::time_t now = options_.wall();
    if (!begin_reply(request, reply, form, file->negotiated, now)) return Outcome::answered;
    if (!form->encoding.empty()) reply.add_lent("Content-Encoding", form->encoding);
    if (wanted)
        if (const auto parts = select_parts(request, *wanted, *form, now))
            return send_parts(reply, *parts, form), Outcome::answered;
    send_whole(reply, form);
    return Outcome::answered;
}

// Nothing: none is acceptable. What we compress is for whole replies only.
std::shared_ptr<const Form> StaticFiles::choose(const std::shared_ptr<StoredFile>& file, const http::Request& request,
                                                bool whole) {
    if (!file->negotiated) return file->form(Coding::identity);
    const bool kept = cache_.find(file->key) == file;
    std::array<Coding, 2 * coding_count> offered{};
    std::size_t count = 0;
    for (const Coding coding : loader_.beside())
        if (const auto& form = file->form(coding); form && !form->validators.weak()) offered[count++] = coding;
    for (const Coding coding : codings) {
        const auto& form = file->form(coding);
        if (whole && (form ? form->validators.weak() : kept && file->may_compress[static_cast<std::size_t>(coding)]))
            offered[count++] = coding;
    }
    offered[count++] = Coding::identity;
    const auto accepted = AcceptedCodings::of(request);
    const auto chosen = accepted.choose({offered.data(), count});
    if (!chosen) return nullptr;
    if (!file->form(*chosen))
        compress(file, *chosen);
    else if (options_.compressors && loader_.improve(*file, *chosen, *options_.compressors))
        cache_.grown(*file);
    if (const auto& form = file->form(*chosen)) return form;
    return accepted.quality(Coding::identity) > 0 ? file->form(Coding::identity) : nullptr;
}

void StaticFiles::compress(const std::shared_ptr<StoredFile>& file, Coding coding) {
    const auto start = Clock::now();
    if (!budget_.allows(start)) return;
    loader_.compress(*file, coding);
    budget_.spent(Clock::now() - start);
    cache_.grown(*file);
}

} // namespace mpsup::static_files
