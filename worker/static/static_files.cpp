#include "worker/static/static_files.h"

#include "worker/http/byte_ranges.h"
#include "worker/http/error_log.h"
#include "worker/http/http_date.h"
#include "worker/http/percent.h"
#include "worker/http/response.h"
#include "worker/http/socket_io.h"
#include "worker/static/media_types.h"
#include "worker/static/validators.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <random>
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
                 const http::HttpDate& modified) {
    const int status = evaluate_conditions(request, validators);
    if (status == 412) return refuse(reply, 412), false;
    reply.status = status;
    reply.add("ETag", validators.etag());
    // RFC 9110 section 8.8.2.1: never later than Date.
    if (validators.modified() <= std::time(nullptr)) reply.add("Last-Modified", {modified.data(), modified.size()});
    return status != 304;
}

// Nothing: the whole. Other methods than GET have no ranges (RFC 9110 section 14.2), and of two fields none is right.
std::optional<std::vector<http::ByteRange>> wanted_ranges(const http::Request& request, const Validators& validators,
                                                          std::uint64_t size) {
    std::string_view wanted;
    std::size_t count = 0;
    for (const http::Field& field : request.fields)
        if (http::equals_ignoring_case(field.name, "Range")) wanted = field.value, ++count;
    if (count != 1 || request.method != "GET") return std::nullopt;
    if (!if_range_holds(request, validators, std::time(nullptr))) return std::nullopt;
    return http::select_byte_ranges(wanted, size);
}

// What cannot be in a file but by a chance of one in 2^64.
std::string fresh_boundary() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "mpsup%016llx", static_cast<unsigned long long>(random()));
    return text.data();
}

void whole(http::Reply& reply, std::string_view type) {
    reply.add("Content-Type", type);
    reply.add("Accept-Ranges", "bytes");
}

// RFC 9110 sections 15.3.7 and 15.5.17. From the file, or without one from `content`.
void partial(http::Reply& reply, const std::vector<http::ByteRange>& ranges, std::string_view type, std::uint64_t size,
             Fd file, std::string_view content) {
    if (ranges.empty()) {
        refuse(reply, 416);
        return reply.add("Content-Range", http::unsatisfied_range(size));
    }
    reply.status = 206;
    if (ranges.size() == 1) {
        const http::ByteRange& range = ranges.front();
        reply.add("Content-Type", type);
        reply.add("Content-Range", http::content_range(range, size));
        if (!file) return reply.text = content.substr(range.first, range.count), void();
        reply.offset = range.first;
        reply.file_size = range.count;
        reply.file = std::move(file);
        return;
    }
    const std::string boundary = fresh_boundary();
    reply.add("Content-Type", "multipart/byteranges; boundary=" + boundary);
    for (const http::ByteRange& range : ranges) {
        std::string head = "\r\n--" + boundary + "\r\nContent-Type: ";
        head.append(type).append("\r\nContent-Range: ").append(http::content_range(range, size)).append("\r\n\r\n");
        if (file)
            reply.parts.push_back({std::move(head), range.first, range.count});
        else
            reply.text.append(head).append(content.substr(range.first, range.count));
    }
    reply.text += "\r\n--" + boundary + "--\r\n";
    reply.file = std::move(file);
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
    if (!begin_reply(request, reply, validators, http::format_http_date(validators.modified()))) return;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (const auto ranges = wanted_ranges(request, validators, size))
        return partial(reply, *ranges, type, size, std::move(file), {});
    whole(reply, type);
    if (size <= FileCache::max_file && http::read_part(file.get(), 0, size, reply.text)) {
        cache_.keep(path_, status, type, reply.text, std::time(nullptr));
        return;
    }
    reply.file_size = size;
    reply.file = std::move(file);
}

void StaticFiles::send_kept(const http::Request& request, http::Reply& reply, const FileCache::Entry& entry) {
    if (!begin_reply(request, reply, entry.validators, entry.modified)) return;
    const std::string& content = entry.content;
    if (const auto ranges = wanted_ranges(request, entry.validators, content.size()))
        return partial(reply, *ranges, entry.media_type, content.size(), {}, content);
    whole(reply, entry.media_type);
    reply.text = content;
}

} // namespace mpsup::static_files
