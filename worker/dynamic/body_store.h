// The content of a request while it arrives: in memory, or on disk when it is long.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mpsup::dynamic {

/// Up to 1 MiB stays in memory, more goes to a file without a name in $TMPDIR or /tmp (O_TMPFILE), which is gone with its
/// descriptor.
class BodyStore {
public:
    static constexpr std::size_t in_memory = 1024 * 1024;

    [[nodiscard]] Result<> append(std::string_view bytes);
    void clear();

    /// The whole of it when file() is -1.
    [[nodiscard]] std::string_view memory() const noexcept { return memory_; }
    [[nodiscard]] int file() const noexcept { return file_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    [[nodiscard]] Result<> spill();

    std::string memory_;
    Fd file_;
    std::uint64_t size_ = 0;
};

} // namespace mpsup::dynamic
