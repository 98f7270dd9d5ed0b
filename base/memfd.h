// Shared memory without a name: created by one process, mapped by those it is handed to.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstddef>
#include <span>

namespace mpsup {

/// A new memory file of `size` bytes, sealed against growing and shrinking, so that a mapping of it can never
/// fault (memfd_create(2)). `name` shows in /proc/PID/maps.
[[nodiscard]] Result<Fd> make_sealed_memfd(const char* name, std::size_t size);

/// Is this a memory file of exactly `size` bytes that nobody can resize? To be asked before mapping what an
/// untrusted process handed over.
[[nodiscard]] bool is_sealed_memfd(int fd, std::size_t size);

/// The same of any size.
[[nodiscard]] bool is_sealed_memfd(int fd);

/// Owns a shared mapping (mmap(2)).
class Mapping {
public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    [[nodiscard]] static Result<Mapping> read_only(int fd, std::size_t size);
    [[nodiscard]] static Result<Mapping> read_write(int fd, std::size_t size);

    [[nodiscard]] void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }

private:
    Mapping(void* data, std::size_t size) noexcept : data_(data), size_(size) {}
    [[nodiscard]] static Result<Mapping> map(int fd, std::size_t size, int protection);
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace mpsup
