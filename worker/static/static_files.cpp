#include "worker/static/static_files.h"

#include "worker/http/error_log.h"
#include "worker/http/http_date.h"
#include "worker/http/percent.h"
#include "worker/http/response.h"
#include "worker/http/socket_io.h"
#include "worker/static/media_types.h"
#include "worker/static/validators.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mpsup::static_files {

namespace {

constexpr std::string_view index_name = "index.html";
constexpr int lookup_attempts = 4;

void refuse(http::Reply& reply, int status) {
    reply.status = status;
    reply.add("Content-Type", "text/plain; charset=utf-8");
    if (status == 405) reply.add("Allow", "GET, HEAD");
    if (status == 503) reply.add("Retry-After", "1");
    reply.text = std::to_string(status);
    reply.text += ' ';
    reply.text += http::reason_phrase(status);
    reply.text += '\n';
}

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

bool has_dot_name(std::string_view path) { return path.find("/.") != std::string_view::npos; }

// Status and fields; false when no content follows.
bool begin_reply(const http::Request& request, http::Reply& reply, const Validators& validators,
                 const http::HttpDate& modified, std::string_view type) {
    const int status = evaluate_conditions(request, validators);
    if (status == 412) return refuse(reply, 412), false;
    reply.status = status;
    reply.add("ETag", validators.etag());
    // RFC 9110 section 8.8.2.1: never later than Date.
    if (validators.modified() <= std::time(nullptr)) reply.add("Last-Modified", {modified.data(), modified.size()});
    if (status == 304) return false;
    reply.add("Content-Type", type);
    return true;
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

Result<StaticFiles> StaticFiles::open(const std::string& root, std::vector<std::string> serves) {
    auto folder = open_file(root, O_PATH | O_DIRECTORY);
    if (!folder) return std::unexpected(folder.error());
    StaticFiles files(std::move(*folder), std::move(serves));
    if (!files.open_beneath(".")) return system_failure("open " + root + " by openat2");
    return files;
}

bool StaticFiles::serves(std::string_view path) const noexcept {
    if (serves_.empty()) return true;
    for (const std::string_view prefix : serves_) {
        if (!path.starts_with(prefix)) continue;
        if (path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/') return true;
    }
    return false;
}

Fd StaticFiles::open_beneath(const char* path) const noexcept {
    open_how how{};
    // O_NONBLOCK: a FIFO is opened without waiting for its writer, and then found not to be a file.
    how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 0; attempt < lookup_attempts; ++attempt) {
        const long fd = ::syscall(SYS_openat2, root_.get(), path, &how, sizeof how);
        if (fd >= 0) return Fd(static_cast<int>(fd));
        if (errno != EAGAIN && errno != EINTR) break; // EAGAIN: something was renamed meanwhile (openat2(2))
    }
    return {};
}

void StaticFiles::answer(const http::Request& request, http::Reply& reply) {
    if (request.method != "GET" && request.method != "HEAD") return refuse(reply, 405);
    if (!http::decode_file_path(request.path, path_) || !serves(path_) || has_dot_name(path_))
        return refuse(reply, 404);
    look_up(request, reply);
}

// At most once a second: what one request met, the next thousand will meet.
void StaticFiles::complain(int error) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_complaint_ < std::chrono::seconds(1)) return;
    last_complaint_ = now;
    http::log_error(http::Severity::error, system_failure("open a file", error).error().to_string());
}

void StaticFiles::look_up(const http::Request& request, http::Reply& reply) {
    const bool names_folder = path_.ends_with('/');
    if (names_folder) path_ += index_name;
    path_.erase(0, path_.find_first_not_of('/'));
    if (const FileCache::Entry* entry = cache_.find(root_.get(), path_)) return send_kept(request, reply, *entry);
    Fd file = open_beneath(path_.c_str());
    if (!file) {
        const int status = status_of(errno);
        if (status == 503 || status == 500) complain(errno);
        return refuse(reply, status);
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return refuse(reply, 500);
    if (S_ISDIR(status.st_mode) && !names_folder) return redirect_to_folder(request, path_, reply);
    if (!S_ISREG(status.st_mode)) return refuse(reply, 404);
    send_file(request, reply, std::move(file), status);
}

void StaticFiles::send_file(const http::Request& request, http::Reply& reply, Fd file, const struct stat& status) {
    const Validators validators(status);
    const std::string_view type = media_type(path_);
    if (!begin_reply(request, reply, validators, http::format_http_date(validators.modified()), type)) return;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size <= FileCache::max_file && http::read_part(file.get(), 0, size, reply.text)) {
        cache_.keep(path_, status, type, reply.text, std::time(nullptr));
        return;
    }
    reply.file_size = size;
    reply.file = std::move(file);
}

void StaticFiles::send_kept(const http::Request& request, http::Reply& reply, const FileCache::Entry& entry) {
    if (begin_reply(request, reply, entry.validators, entry.modified, entry.media_type)) reply.text = entry.content;
}

} // namespace mpsup::static_files
