#include "worker/http/cold_files.h"

#include "base/fd.h"

#include <fcntl.h>
#include <memory>
#include <utility>

namespace mpsup::http {

Task<> ColdFiles::read(int file, std::uint64_t offset, std::uint64_t size) {
    // A descriptor of its own: the loop may end, and close its own, before the disk has answered.
    auto copy = std::make_shared<const Fd>(::fcntl(file, F_DUPFD_CLOEXEC, 3));
    std::function<void()> job = [copy = std::move(copy), offset, size] { page_in(copy->get(), offset, size); };
    static_cast<void>(co_await readers_.run(std::move(job)));
}

} // namespace mpsup::http
