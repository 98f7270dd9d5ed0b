// Reading from disks beside the event loop: sendfile(2) waits for them, and with it every connection of the loop would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace mpsup::http {

/// Is this part of a regular file in the page cache, so that sending it waits for no disk? Asked of one byte in each
/// 128 KiB (the kernel reads ahead that much at least) and of the last one, by preadv2(2) with RWF_NOWAIT. true also where
/// the file system cannot tell, and beyond the end of the file.
[[nodiscard]] bool in_page_cache(int file, std::uint64_t offset, std::uint64_t size) noexcept;

/// A few threads that read files into the page cache. They are started when there is first something to read, so a
/// process whose files are in memory has none. All members may be called from any thread. The destructor waits for
/// nobody: reads in hand go on, and what they would have called is not called any more.
class PageIn {
public:
    explicit PageIn(unsigned threads = 4);
    ~PageIn();
    PageIn(const PageIn&) = delete;
    PageIn& operator=(const PageIn&) = delete;

    /// Reads the part, and calls `done`, which must not throw, in a thread of its own. `file` stays open until then. false: there
    /// is too much to do, or no thread could be had, and nothing will happen; read it by yourself.
    [[nodiscard]] bool read(int file, std::uint64_t offset, std::uint64_t size, std::function<void()> done);

private:
    struct Work;
    const unsigned threads_;
    std::shared_ptr<Work> work_;
};

} // namespace mpsup::http
