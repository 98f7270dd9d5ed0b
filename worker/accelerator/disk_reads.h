// What the cache has on the disk, on its way to an event loop.
#pragma once

#include "worker/cache/disk_tier.h"
#include "worker/http/task.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace mpsup::accelerator {

/// Of one loop, in its thread. There is no deadline: it takes as long as the disk does.
class DiskReads {
public:
    explicit DiskReads(boost::asio::io_context& context);
    ~DiskReads();
    DiskReads(const DiskReads&) = delete;
    DiskReads& operator=(const DiskReads&) = delete;

    /// Empty: it is not there any more, or too much is being read.
    [[nodiscard]] http::Task<cache::Hit> load(cache::DiskTier& disk, cache::OnDisk place);
    /// Content from `offset` on; empty: the same.
    [[nodiscard]] http::Task<std::string> read_piece(cache::DiskTier& disk, const cache::Hit& hit,
                                                     std::uint64_t offset);

private:
    struct Mailbox;
    boost::asio::io_context& context_;
    std::shared_ptr<Mailbox> mailbox_;
};

} // namespace mpsup::accelerator
