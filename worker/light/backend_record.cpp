#include "worker/light/backend_record.h"

#include "base/fd.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace mpsup::light {

namespace {

constexpr std::size_t most = 256 * 1024;

bool has_tcp_backends(const contract::Front& front) {
    return std::ranges::any_of(front.routes, [](const contract::Route& route) {
        return !route.backends.empty() && !route.backends.back().address.starts_with("unix:");
    });
}

} // namespace

BackendRecord::BackendRecord(const contract::Front& front) {
    if (!front.buffer_folder.empty() && has_tcp_backends(front)) path_ = front.buffer_folder + "/backends";
}

void BackendRecord::read(accelerator::AcceleratorState& state) const {
    if (path_.empty()) return;
    const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return; // there was none before
    std::string text;
    std::array<char, 4096> piece{};
    while (text.size() < most) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
    state.restore_backends(text, http::Clock::now());
}

void BackendRecord::write(accelerator::AcceleratorState& state) {
    if (path_.empty()) return;
    std::string text = state.save_backends(http::Clock::now());
    if (text == written_) return;
    const std::string next = path_ + "." + std::to_string(::getpid());
    const Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return;
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count != static_cast<ssize_t>(text.size()) || std::rename(next.c_str(), path_.c_str()) != 0) {
        ::unlink(next.c_str());
        return;
    }
    written_ = std::move(text);
}

} // namespace mpsup::light
