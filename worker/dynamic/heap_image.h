// A copy of a pool master's heap that its children share, and can go back to.
#pragma once

#include "base/fd.h"

#include <cstddef>
#include <optional>
#include <utility>

namespace mpsup::dynamic {

/// After fork(2) a child shares the memory of its master until it writes to it, and Perl writes to whatever it looks at:
/// it counts references up, and down again. Most pages that a child has of its own hold what the master's hold, and
/// the kernel does not know. So the heap is moved into a memory file that is mapped privately where the heap was
/// (memfd_create(2), mmap(2)): what a child has written to is then its own as before, and a page that has become what
/// the file says can be given back for the file's (MADV_DONTNEED on a private mapping of a file, madvise(2)).
class HeapImage {
public:
    /// Moves the heap of this process. Nothing when that cannot be done, or is not worth it: then all is as it was. To be
    /// called with one thread, when nothing is going on; some ten milliseconds for 100 MB.
    [[nodiscard]] static std::optional<HeapImage> take() noexcept;

    /// In a child, between requests: gives back what is as it was. A microsecond for each page that is its own.
    struct Outcome {
        std::size_t own = 0;   // bytes that were its own
        std::size_t given = 0; // of these now shared again
    };
    Outcome give_back() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    HeapImage(Fd file, std::size_t size) noexcept : file_(std::move(file)), size_(size) {}

    Fd file_; // sealed: nobody can change it any more
    std::size_t size_;
};

} // namespace mpsup::dynamic
