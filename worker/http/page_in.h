// Files that may not be in memory: sendfile(2) waits for their disk, and with it every connection of a loop would.
#pragma once

#include <cstdint>

namespace mpsup::http {

/// Is this part of a regular file in the page cache, so that sending it waits for no disk? Asked of one byte in each
/// 128 KiB (the kernel reads ahead that much at least) and of the last one, by preadv2(2) with RWF_NOWAIT. true also where
/// the file system cannot tell, and beyond the end of the file.
[[nodiscard]] bool in_page_cache(int file, std::uint64_t offset, std::uint64_t size) noexcept;

/// Reads the part into the page cache and waits for it: for a thread that may (base/background.h). Errors are left to whoever
/// sends the file, who meets them as well.
void page_in(int file, std::uint64_t offset, std::uint64_t size) noexcept;

} // namespace mpsup::http
