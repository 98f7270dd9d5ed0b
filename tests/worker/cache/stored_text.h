// Responses for tests of the store whose every byte follows from their URL, so that a wrong one shows.
#pragma once

#include "tests/worker/cache/messages.h"
#include "worker/cache/store.h"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace mpsup::cache {

/// `size` bytes that belong to `seed` and no other.
inline std::string text_of(std::string_view seed, std::size_t size) {
    std::uint64_t state = 1469598103934665603U;
    for (const char c : seed) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211U;
    std::string text(size, '\0');
    for (char& c : text) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        c = static_cast<char>('a' + (state >> 33U) % 26);
    }
    return text;
}

/// Less than `below`.
inline unsigned pick(std::mt19937& random, unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
}

inline CacheKey url(std::string_view path) { return {"http", "example.org", path, "", false}; }

inline std::string content_of(const Hit& hit) {
    std::string content;
    while (content.size() < hit.size()) {
        const std::string_view piece = hit.piece(content.size());
        if (piece.empty()) return "a hole";
        content += piece;
    }
    return content;
}

/// A memory file and the processes that use it (several stores in one process are as good as several processes: their locks
/// belong to files that they opened themselves).
class SharedMemory {
public:
    explicit SharedMemory(std::uint64_t size = std::uint64_t{4} << 20U) : file(*Store::make_memory(size)) {}
    [[nodiscard]] std::unique_ptr<Store> attach(const StoreOptions& options = {}) const {
        return *Store::attach(file, options);
    }
    Fd file;
};

/// Stores text_of(path) under the path.
inline bool store_text(Store& store, std::string_view path, std::size_t size, const NewResponse& like = {}) {
    const CacheKey key = url(path);
    const std::string fields = "X-Path: " + std::string(path) + "\r\n";
    NewResponse response = like;
    response.key = key.text();
    if (response.fields.empty()) response.fields = fields;
    response.metadata.lifetime = 60;
    if (response.metadata.response_time == 0) response.metadata.response_time = start;
    StoreWriter writer = store.begin(response);
    const std::string text = text_of(path, size);
    for (std::size_t at = 0; at < text.size(); at += 7000)
        if (!writer.append(std::string_view(text).substr(at, 7000))) return false;
    return writer.commit();
}

inline Hit find(Store& store, std::string_view path, const OwnedFields& request = {}) {
    return store.find(url(path), request).hit;
}

/// Is it there, and every byte of it what it should be?
inline bool has_text(Store& store, std::string_view path, std::size_t size) {
    const Hit hit = find(store, path);
    return hit && hit.key() == url(path).text() && hit.size() == size && content_of(hit) == text_of(path, size);
}

} // namespace mpsup::cache
