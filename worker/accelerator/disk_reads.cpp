#include "worker/accelerator/disk_reads.h"

#include "worker/accelerator/signal.h"

#include <boost/asio/post.hpp>

#include <mutex>
#include <optional>

namespace asio = boost::asio;

namespace mpsup::accelerator {

// Through which threads reach the loop, as long as there is one.
struct DiskReads::Mailbox {
    std::mutex mutex;
    asio::io_context* context = nullptr;

    template <typename Job> void post(Job job) {
        const std::lock_guard lock(mutex);
        if (context) asio::post(*context, std::move(job));
    }
};

namespace {

// Of the coroutine that waits; whoever comes when that is gone finds none.
template <typename Value> struct Awaited {
    explicit Awaited(asio::io_context& context) : come(context) {}
    Signal come;
    Value value{};
};

template <typename Value, typename Mailbox>
auto sender(const std::shared_ptr<Mailbox>& mailbox, const std::shared_ptr<Awaited<Value>>& to) {
    return [mailbox, to = std::weak_ptr(to)](Value value) {
        mailbox->post([to, value = std::move(value)]() mutable {
            const auto awaited = to.lock();
            if (!awaited) return;
            awaited->value = std::move(value);
            awaited->come.tell();
        });
    };
}

} // namespace

DiskReads::DiskReads(asio::io_context& context) : context_(context), mailbox_(std::make_shared<Mailbox>()) {
    mailbox_->context = &context;
}

DiskReads::~DiskReads() {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->context = nullptr;
}

http::Task<cache::Hit> DiskReads::load(cache::DiskTier& disk, cache::OnDisk place) {
    const auto awaited = std::make_shared<Awaited<cache::Hit>>(context_);
    if (!disk.load(place, sender(mailbox_, awaited))) co_return cache::Hit();
    static_cast<void>(co_await awaited->come.wait());
    co_return std::move(awaited->value);
}

http::Task<std::string> DiskReads::read_piece(cache::DiskTier& disk, const cache::Hit& hit, std::uint64_t offset) {
    using Bytes = std::optional<std::string>;
    const auto awaited = std::make_shared<Awaited<Bytes>>(context_);
    if (!disk.read_piece(hit, offset, sender(mailbox_, awaited))) co_return std::string();
    static_cast<void>(co_await awaited->come.wait());
    co_return std::move(awaited->value).value_or(std::string());
}

} // namespace mpsup::accelerator
