// Takes room in the arena, and gives it back when nobody needs it any more.
#pragma once

#include "worker/cache/object.h"
#include "worker/cache/space.h"

#include <mutex>
#include <vector>

namespace mpsup::cache {

/// The only one who changes the table of the arena. Does so while it is open: the process is the writer. Thread-safe; its
/// lock is the last that anybody takes.
class Keeper {
public:
    explicit Keeper(Arena& arena) noexcept : arena_(arena) {}

    /// `slot`: ours. `space`: what is left beside all that was found.
    void open(unsigned slot, Space space) noexcept;
    /// From now on the arena is another process's.
    void close() noexcept;

    [[nodiscard]] std::optional<Run> take(std::uint32_t count);
    [[nodiscard]] std::optional<Run> take_some(std::uint32_t count);
    void give(const Run& run);
    /// Takes back what was left to processes that have ended since. False: nothing.
    bool reclaim();
    [[nodiscard]] std::uint32_t free_units() const;

    /// Makes a chain of the runs of a content.
    void link(const Content& content);
    /// The record is whole: from now on it is found by whoever looks.
    void publish(const Object& object);
    /// It is not to be found any more; its memory stays until it is disposed of.
    void bury(const Object& object);
    /// It is being sent by this process, which is about to let go: nobody may write where it lies until the process has ended.
    void hold(const Object& object);
    /// A record that one of `holders` still sends: it must be left alone as long as he is there.
    void leave_to(std::uint32_t holders, const Run& record);

    /// Nobody refers to it any more. Deletes it.
    void dispose(Object* object) noexcept;
    /// One object less has this content. Deletes it when that was the last.
    void release(Content* content) noexcept;

private:
    struct Left {
        std::uint32_t holders = 0;
        std::vector<Run> runs;
        std::optional<std::uint32_t> record; // its unit, whose mark goes with it
    };
    void free_runs(std::uint32_t holders, std::vector<Run> runs, std::optional<std::uint32_t> record);
    void release_locked(Content* content);

    Arena& arena_;
    mutable std::mutex mutex_;
    Space space_;
    std::vector<Left> left_;
    std::uint32_t own_ = 0; // the bit of our slot
    bool open_ = false;
};

} // namespace mpsup::cache
