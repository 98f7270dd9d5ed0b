// A stored response in use.
#pragma once

#include "worker/cache/freshness.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace mpsup::cache {

class Object;

/// Keeps the response where it is for as long as it lives, whatever becomes of it in the store meanwhile. Views are good as
/// long as the hit (or one it was moved to). May be handed to another thread; must not outlive the store.
///
/// The bytes are to be copied into sockets (write, writev, TLS), never lent to them (sendfile from the memory file,
/// MSG_ZEROCOPY): what lies in a socket's queue is not held by the hit.
class Hit {
public:
    Hit() noexcept = default;
    explicit Hit(const Object* object) noexcept : object_(object) {} // takes a reference over
    Hit(Hit&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Hit& operator=(Hit&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    Hit(const Hit&) = delete;
    Hit& operator=(const Hit&) = delete;
    ~Hit();

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

    [[nodiscard]] const Metadata& metadata() const noexcept;
    [[nodiscard]] std::string_view key() const noexcept;
    [[nodiscard]] std::string_view fields() const noexcept; // "Name: value\r\n"…: see storable.h, write_stored_head
    [[nodiscard]] std::uint64_t size() const noexcept;      // of the content
    /// The content from `offset` on, as far as it lies in one piece: never empty before the end.
    [[nodiscard]] std::string_view piece(std::uint64_t offset) const noexcept;
    /// The content lies on the disk, and piece() has nothing of it: see Store::read_piece.
    [[nodiscard]] bool is_absent() const noexcept;

    [[nodiscard]] const Object* object() const noexcept { return object_; }
    /// A second one of the same response.
    [[nodiscard]] Hit share() const noexcept;

private:
    const Object* object_ = nullptr;
};

} // namespace mpsup::cache
