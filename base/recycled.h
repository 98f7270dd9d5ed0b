// Memory of objects that come and go with each request.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace mpsup {

/// Base of a class T, by which `new T` takes the memory that an earlier T of the same thread has left, and `delete` leaves it to
/// the next: up to `kept` of them a thread, given back at its end. For classes of a kilobyte and more, where malloc is slow.
/// Not for classes that others are derived from.
template <class T, std::size_t kept = 64> class Recycled {
public:
    static void* operator new(std::size_t size) {
        Spare& spare = this_thread();
        return spare.count > 0 ? spare.blocks[--spare.count] : ::operator new(size);
    }
    static void operator delete(void* block) noexcept {
        Spare& spare = this_thread();
        if (spare.count < spare.room)
            spare.blocks[spare.count++] = block;
        else
            ::operator delete(block);
    }

private:
    struct Spare { // outlives its cleaner, for objects that are destroyed even later
        std::array<void*, kept> blocks;
        std::size_t count, room;
    };
    struct Cleaner {
        Spare& spare;
        explicit Cleaner(Spare& of) noexcept : spare(of) { spare.room = kept; }
        Cleaner(const Cleaner&) = delete;
        Cleaner& operator=(const Cleaner&) = delete;
        ~Cleaner() {
            while (spare.count > 0) ::operator delete(spare.blocks[--spare.count]);
            spare.room = 0;
        }
    };
    static Spare& this_thread() noexcept {
        static thread_local Spare spare; // zeros
        static thread_local const Cleaner cleaner(spare);
        return spare;
    }
};

} // namespace mpsup
