// Files on their way from the disk into memory, while a loop does something else.
#pragma once

#include "base/background.h"
#include "worker/http/page_in.h"
#include "worker/http/task.h"

#include <cstdint>
#include <memory>

namespace mpsup::http {

/// Of one loop, in its thread. The threads are there once a file was not in memory.
class ColdFiles {
public:
    explicit ColdFiles(boost::asio::io_context& io);
    ~ColdFiles();
    ColdFiles(const ColdFiles&) = delete;
    ColdFiles& operator=(const ColdFiles&) = delete;

    /// Returns when this part of `file` was read into the page cache; at once when too many wait already: then whoever sends it
    /// waits for the disk. There is no deadline: it takes as long as the disk does.
    [[nodiscard]] Task<> read(int file, std::uint64_t offset, std::uint64_t size);

private:
    struct Mailbox;
    boost::asio::io_context& io_;
    std::shared_ptr<Mailbox> mailbox_;
    Background readers_{{.threads = 2}};
};

} // namespace mpsup::http
