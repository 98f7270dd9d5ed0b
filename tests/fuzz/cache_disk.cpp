// A file of the cache's second tier in which anything may be written: whoever attaches finds responses that are what their checksums
// say, or nothing; he can store and erase, and the next one finds what he left.
#include "tests/fuzz/small_responses.h"
#include "worker/cache/checksum.h"
#include "worker/cache/disk_tier.h"
#include "worker/cache/object.h"
#include "worker/cache/store.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

using namespace mpsup;
using namespace mpsup::cache;

namespace {

constexpr std::uint64_t memory_size = std::uint64_t{1} << 20U;
constexpr std::uint64_t header_area = 4096;
constexpr Seconds start = 1'800'000'000;

Metadata fresh() {
    Metadata metadata;
    metadata.lifetime = 1000;
    metadata.response_time = start;
    return metadata;
}

std::unique_ptr<Store> attach(const Fd& memory, const std::string& folder) {
    auto made = *Store::attach(memory, {});
    made->use_disk(DiskTier::make({.folder = folder, .size = DiskFile::min_bytes, .tell = nullptr}));
    made->open_disk();
    return made;
}

// What is mutated: a file with some responses, two of them of several parts, one erased.
struct Tier {
    std::string folder = "/dev/shm/mpsup-fuzz-" + std::to_string(::getpid());
    Fd file;
    std::string image;

    Tier() {
        const Fd memory = *Store::make_memory(memory_size);
        const auto made = attach(memory, folder);
        for (int i = 0; i < 20; ++i) store(*made, i, i % 9 == 8 ? 300'000 : static_cast<std::size_t>(i) * 700, fresh());
        made->save_some(start + 30);
        made->erase(url(4));
        made->retire();
        made->disk()->finish();
        file = *open_file(folder + "/tier", O_RDWR);
        image.resize(std::filesystem::file_size(folder + "/tier"));
        require(::pread(file.get(), image.data(), image.size(), 0) == static_cast<ssize_t>(image.size()));
    }
};

// A record whose checksum is right again, so that the rest of it is looked at.
void repair(std::string& bytes, std::size_t at) {
    std::uint64_t position = 0;
    std::uint32_t head = 0;
    std::uint32_t parts = 0;
    std::memcpy(&position, &bytes[at + 8], 8);
    std::memcpy(&head, &bytes[at + 24], 4);
    std::memcpy(&parts, &bytes[at + 28], 4);
    const std::uint64_t front = 40 + std::uint64_t{head} + std::uint64_t{parts} * 8;
    if (at + front > bytes.size()) return;
    if (head >= sizeof(RecordHeader) && head <= max_record) {
        const std::uint32_t inner = checksum({&bytes[at + 44], head - 4});
        std::memcpy(&bytes[at + 40], &inner, 4);
    }
    std::uint32_t sum = checksum({&bytes[at + 16], front - 16});
    sum = checksum({reinterpret_cast<const char*>(&position), 8}, sum);
    std::memcpy(&bytes[at + 4], &sum, 4);
}

void read_all(Store& store) {
    const http::Field foo{"Foo", "1"};
    for (int i = 0; i < 25; ++i) {
        Store::Found found = store.find(url(i), std::span(&foo, 1));
        if (!found.hit && found.on_disk) found.hit = store.disk()->load(found.on_disk);
        if (!found.hit || !found.hit.is_absent()) continue;
        for (std::uint64_t at = 0; at < found.hit.size();) {
            const auto piece = store.disk()->read_piece(found.hit, at);
            if (!piece) break;
            require(!piece->empty());
            at += piece->size();
        }
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Tier tier;
    constexpr std::size_t used = header_area + 800'000;
    std::string bytes = tier.image;
    // Six bytes a change: where (4), what (1), and how.
    for (std::size_t at = 0; at + 6 <= size; at += 6) {
        std::uint32_t where = 0;
        std::memcpy(&where, data + at, sizeof where);
        const std::uint8_t how = data[at + 5];
        // Of a record: the first one after some place.
        std::size_t record = bytes.find("LIVE", header_area + where % (used - header_area));
        if (record == std::string::npos || record + 200 > used) record = header_area;
        if (how % 4 == 0)
            repair(bytes, record);
        else if (how % 4 == 1)
            bytes[record + where / 256 % 160] = static_cast<char>(data[at + 4]);
        else if (how % 4 == 2)
            bytes[where % 64] = static_cast<char>(data[at + 4]); // of the header
        else
            bytes[where % used] = static_cast<char>(data[at + 4]);
    }
    require(::pwrite(tier.file.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    for (int round = 0; round < 2; ++round) {
        const Fd memory = *Store::make_memory(memory_size);
        const auto attached = attach(memory, tier.folder);
        require(attached->disk()->is_open());
        read_all(*attached);
        if (round == 1) require(!attached->find(url(24), {}).known);
        store(*attached, 23, 200'000, fresh());
        store(*attached, 24, 200'000, fresh());
        attached->erase(url(24));
        attached->disk()->finish();
        require(static_cast<bool>(attached->find(url(23), {}).on_disk));
        std::uint64_t cursor = 0;
        do {
            static_cast<void>(attached->list(cursor, 5, "", 0));
        } while (cursor != 0);
        if (round == 1) attached->erase_tag("t");
        require(round == 0 || !attached->find(url(23), {}).known);
    }
    return 0;
}
