#include "worker/cache/record.h"

#include "worker/cache/checksum.h"

#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mpsup::cache {
namespace {

Record sample() {
    Record record;
    record.id = 7;
    record.key = "http://example.org/";
    record.variant = "foo:1\n";
    record.tags = "a\nb\n";
    record.fields = "A: b\r\nC: \r\n";
    record.metadata.lifetime = 60;
    record.metadata.last_modified = -1;
    record.metadata.must_revalidate = true;
    record.content_size = 5;
    record.content_first = 0;
    record.content_checksum = 9;
    return record;
}

std::vector<char> written(const Record& record) {
    std::vector<char> memory(1024);
    write_record(memory.data(), record);
    return memory;
}

// With another header, and a checksum that is right.
template <typename Change> std::vector<char> forged(Change change) {
    std::vector<char> memory = written(sample());
    RecordHeader header;
    std::memcpy(&header, memory.data(), sizeof header);
    change(header);
    std::memcpy(memory.data(), &header, sizeof header);
    const std::uint32_t bytes = std::min<std::uint32_t>(header.bytes, 1024);
    header.checksum = checksum({memory.data() + 4, bytes > 4 ? bytes - 4 : 0});
    std::memcpy(memory.data(), &header.checksum, 4);
    return memory;
}

TEST(Record, IsReadAsItWasWritten) {
    const std::vector<char> memory = written(sample());
    const auto record = read_record(memory);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->id, 7U);
    EXPECT_EQ(record->key, sample().key);
    EXPECT_EQ(record->variant, sample().variant);
    EXPECT_EQ(record->tags, sample().tags);
    EXPECT_EQ(record->fields, sample().fields);
    EXPECT_EQ(record->metadata.lifetime, 60);
    EXPECT_EQ(record->metadata.last_modified, -1);
    EXPECT_TRUE(record->metadata.must_revalidate);
    EXPECT_FALSE(record->metadata.always_validate);
    EXPECT_EQ(record->content_first, 0U);
    EXPECT_EQ(record->content_size, 5U);
}

TEST(Record, IsNoneWhenAnyBitOfItIsWrong) {
    std::vector<char> memory = written(sample());
    for (std::size_t bit = 0; bit < sample().bytes() * 8; ++bit) {
        memory[bit / 8] = static_cast<char>(memory[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(read_record(memory)) << bit;
        memory[bit / 8] = static_cast<char>(memory[bit / 8] ^ (1 << bit % 8));
    }
    EXPECT_TRUE(read_record(memory));
    EXPECT_FALSE(read_record(std::span(memory).first(sample().bytes() - 1)));
    EXPECT_FALSE(read_record(std::span(memory).first(20)));
}

TEST(Record, IsNoneWhenWhatItSaysCannotBe) {
    EXPECT_TRUE(read_record(forged([](RecordHeader&) {})));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.key_size = UINT32_MAX; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.bytes = 4; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.fields_size += 1, header.tags_size -= 1; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.lifetime = -1; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.initial_age = INT64_MAX; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.response_time = INT64_MIN; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.status = 99; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.must_revalidate = 2; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.content_first = 0; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.content_size = 0; })));
    EXPECT_FALSE(read_record(forged([](RecordHeader& header) { header.id = UINT64_MAX; })));
}

} // namespace
} // namespace mpsup::cache
