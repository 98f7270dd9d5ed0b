#include "worker/http/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

namespace mpsup::http {

TlsStream::TlsStream(TlsConnection connection, int socket) noexcept : connection_(std::move(connection)) {
    if (connection_) ::SSL_set_fd(connection_.get(), socket);
}

IoStatus TlsStream::judge(int result) noexcept {
    if (result > 0) return IoStatus::progress;
    const int error = ::SSL_get_error(connection_.get(), result);
    wants_write_ = error == SSL_ERROR_WANT_WRITE;
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return IoStatus::blocked;
    case SSL_ERROR_ZERO_RETURN: return IoStatus::ended;
    default:
        failed_ = true;
        error_ = ::ERR_peek_last_error();
        return IoStatus::failed;
    }
}

IoStatus TlsStream::handshake() noexcept {
    if (!connection_) return IoStatus::failed;
    ::ERR_clear_error();
    return judge(::SSL_do_handshake(connection_.get()));
}

IoResult TlsStream::receive(std::span<char> space) noexcept {
    ::ERR_clear_error();
    std::size_t count = 0;
    const IoStatus status = judge(::SSL_read_ex(connection_.get(), space.data(), space.size(), &count));
    return {status, count};
}

IoResult TlsStream::send(std::span<const std::string_view> texts, bool more_follows) {
    if (staged_.size() == record || (!staged_.empty() && staged_sent_ > 0))
        if (const IoStatus status = flush(); status != IoStatus::progress) return {status, 0};
    const std::size_t before = staged_.size();
    for (const std::string_view text : texts) staged_ += text.substr(0, record - staged_.size());
    const std::size_t count = staged_.size() - before;
    const bool hold = more_follows && staged_.size() < record;
    const IoStatus status = hold ? IoStatus::progress : flush();
    if (status == IoStatus::blocked && count == 0) return {status, 0};
    return {status == IoStatus::failed ? status : IoStatus::progress, count};
}

IoResult TlsStream::send_file(int file, off_t& offset, std::uint64_t limit) {
    if (staged_.size() == record || (!staged_.empty() && staged_sent_ > 0))
        if (const IoStatus status = flush(); status != IoStatus::progress) return {status, 0};
    const std::size_t before = staged_.size();
    const std::size_t wanted = std::min<std::uint64_t>(limit, record - before);
    staged_.resize(before + wanted);
    ssize_t count = 0;
    do count = ::pread(file, staged_.data() + before, wanted, offset);
    while (count < 0 && errno == EINTR);
    staged_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count <= 0) return {IoStatus::ended, 0};
    offset += count;
    if (flush() == IoStatus::failed) return {IoStatus::failed, 0};
    return {IoStatus::progress, static_cast<std::size_t>(count)};
}

IoStatus TlsStream::flush() noexcept {
    while (staged_sent_ < staged_.size()) {
        ::ERR_clear_error();
        std::size_t count = 0;
        const IoStatus status = judge(
            ::SSL_write_ex(connection_.get(), staged_.data() + staged_sent_, staged_.size() - staged_sent_, &count));
        if (status != IoStatus::progress) return status == IoStatus::blocked ? status : IoStatus::failed;
        staged_sent_ += count;
    }
    staged_.clear();
    staged_sent_ = 0;
    return IoStatus::progress;
}

void TlsStream::end() noexcept {
    if (!connection_) return; // it could not be made
    ::ERR_clear_error();
    if (flush() == IoStatus::progress) static_cast<void>(::SSL_shutdown(connection_.get()));
    ::ERR_clear_error();
}

std::string TlsStream::problem() const {
    if (!connection_) return "the connection could not be made";
    if (!failed_) return {};
    if (const long verdict = ::SSL_get_verify_result(connection_.get()); verdict != X509_V_OK)
        return std::string("its certificate: ") + ::X509_verify_cert_error_string(verdict);
    const char* reason = error_ != 0 ? ::ERR_reason_error_string(error_) : nullptr;
    return reason ? reason : "the other side hung up";
}

void TlsStream::rest() noexcept {
    if (staged_.empty()) std::string().swap(staged_);
}

} // namespace mpsup::http
