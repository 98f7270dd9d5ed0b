// A cache memory in which anything may be written: whoever attaches finds responses that are what their checksums say, or
// nothing; he can store, and when all is erased no unit is lost.
#include "base/memfd.h"
#include "tests/fuzz/small_responses.h"
#include "worker/cache/arena.h"
#include "worker/cache/checksum.h"
#include "worker/cache/record.h"
#include "worker/cache/store.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace mpsup;
using namespace mpsup::cache;

namespace {

constexpr std::uint64_t size_of_memory = std::uint64_t{1} << 20U;

// What is mutated: a memory with some responses, one of them validated, one erased.
struct Memory {
    Fd file = *Store::make_memory(size_of_memory);
    Mapping mapping = *Mapping::read_write(file.get(), size_of_memory);
    std::string image;

    Memory() {
        const auto made = *Store::attach(file, {});
        for (int i = 0; i < 20; ++i) store(*made, i, static_cast<std::size_t>(i) * 700);
        Hit hit = made->find(url(7), {}).hit;
        made->freshen(hit, "A: c\r\n", hit.metadata());
        made->erase(url(8));
        made->retire();
        image.assign(static_cast<const char*>(mapping.data()), size_of_memory);
    }
};

// A record whose checksum is right again, so that the rest of it is looked at.
void repair(const Arena& arena, std::uint32_t unit) {
    RecordHeader header;
    char* at = arena.at(unit % arena.units());
    std::memcpy(&header, at, sizeof header);
    const std::size_t room = std::size_t{arena.units() - unit % arena.units()} * Arena::unit_bytes;
    if (header.bytes < sizeof header || header.bytes > std::min(room, max_record)) return;
    header.checksum = checksum({at + 4, header.bytes - 4});
    std::memcpy(at, &header.checksum, 4);
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Memory memory;
    char* base = static_cast<char*>(memory.mapping.data());
    std::memcpy(base, memory.image.data(), memory.image.size());
    const Arena arena = *Arena::map(memory.file);
    // Six bytes a change: where (4), what (1), and how.
    for (std::size_t at = 0; at + 6 <= size; at += 6) {
        std::uint32_t where = 0;
        std::memcpy(&where, data + at, sizeof where);
        const std::uint8_t how = data[at + 5];
        if (how % 4 == 0)
            repair(arena, where % 256);
        else if (how % 4 == 1)
            arena.at(where % 256)[where / 256 % 112] = static_cast<char>(data[at + 4]); // of a record's header
        else if (how % 4 == 2)
            base[where % 0x4000] = static_cast<char>(data[at + 4]); // of the tables
        else
            base[where % size_of_memory] = static_cast<char>(data[at + 4]);
    }
    const auto attached = *Store::attach(memory.file, {});
    require(attached->role() == Store::Role::writer);
    const http::Field foo{"Foo", "1"};
    for (int i = 0; i < 20; ++i) {
        const Hit hit = attached->find(url(i), std::span(&foo, 1)).hit;
        std::uint64_t seen = 0;
        std::uint32_t sum = 0;
        while (hit && seen < hit.size()) {
            const std::string_view piece = hit.piece(seen);
            require(!piece.empty());
            sum = checksum(piece, sum);
            seen += piece.size();
        }
    }
    for (int i = 10; i < 25; ++i) store(*attached, i, static_cast<std::size_t>(i) * 300);
    std::uint64_t cursor = 0;
    do {
        (void)attached->list(cursor, 5, "", 0);
    } while (cursor != 0);
    attached->erase_tag("t");
    attached->clear();
    require(attached->stats().used_bytes == 0 && attached->stats().objects == 0);
    return 0;
}
