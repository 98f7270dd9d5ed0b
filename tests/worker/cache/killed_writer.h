// For tests that kill a process that writes: what it stores, and how far it has come.
#pragma once

#include "tests/worker/cache/stored_text.h"

#include <atomic>
#include <new>
#include <sched.h>
#include <string>
#include <sys/mman.h>

namespace mpsup::cache {

/// Each version of a URL has a content of its own, which its fields name.
inline bool store_version(Store& store, const std::string& path, unsigned version, std::size_t size,
                          Seconds lifetime = 0) {
    const CacheKey key = url(path);
    const std::string name = path + "#" + std::to_string(version);
    const std::string fields = "Version: " + name + "\r\n";
    NewResponse response;
    response.key = key.text();
    response.fields = fields;
    response.metadata.lifetime = lifetime;
    response.metadata.response_time = start;
    StoreWriter writer = store.begin(response);
    return writer.append(text_of(name, size)) && writer.commit();
}

/// How often a child has changed the store, in memory that it shares with us.
class Progress {
public:
    Progress()
        : changes_(new(::mmap(nullptr, sizeof(std::atomic<unsigned>), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<unsigned>(0)) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { ::munmap(changes_, sizeof *changes_); }

    void changed() { changes_->fetch_add(1, std::memory_order_relaxed); }
    void wait_for(unsigned changes) const {
        while (changes_->load(std::memory_order_relaxed) < changes) ::sched_yield();
    }

private:
    std::atomic<unsigned>* changes_;
};

} // namespace mpsup::cache
