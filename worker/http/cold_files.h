// Files on their way from the disk into memory, while a loop does something else.
#pragma once

#include "worker/http/off_loop.h"
#include "worker/http/page_in.h"
#include "worker/http/task.h"

#include <cstdint>

namespace mpsup::http {

/// Of one loop, in its thread. The threads are there once a file was not in memory.
class ColdFiles {
public:
    explicit ColdFiles(boost::asio::io_context& io) : readers_(io, {.threads = 2}) {}

    /// Returns when this part of `file` was read into the page cache; at once when too many wait already: then whoever sends it
    /// waits for the disk. There is no deadline: it takes as long as the disk does.
    [[nodiscard]] Task<> read(int file, std::uint64_t offset, std::uint64_t size);

private:
    OffLoop readers_;
};

} // namespace mpsup::http
