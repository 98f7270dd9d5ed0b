#include "base/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace {
constexpr int resize_seals = F_SEAL_SHRINK | F_SEAL_GROW;
}

Result<Fd> make_sealed_memfd(const char* name, std::size_t size) {
    Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return system_failure("memfd_create");
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return system_failure("size memfd");
    if (::fcntl(fd.get(), F_ADD_SEALS, resize_seals | F_SEAL_SEAL) != 0) return system_failure("seal memfd");
    return fd;
}

bool is_sealed_memfd(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & resize_seals) == resize_seals;
}

bool is_sealed_memfd(int fd, std::size_t size) {
    struct stat status{};
    return is_sealed_memfd(fd) && ::fstat(fd, &status) == 0 && status.st_size == static_cast<off_t>(size);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Mapping::~Mapping() {
    if (data_) ::munmap(data_, size_);
}

Result<Mapping> Mapping::map(int fd, std::size_t size, int protection) {
    void* data = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return system_failure("map shared memory");
    return Mapping(data, size);
}

Result<Mapping> Mapping::read_only(int fd, std::size_t size) { return map(fd, size, PROT_READ); }

Result<Mapping> Mapping::read_write(int fd, std::size_t size) { return map(fd, size, PROT_READ | PROT_WRITE); }

} // namespace mpsup
