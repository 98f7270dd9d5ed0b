#include "worker/cache/keeper.h"

namespace mpsup::cache {

void Keeper::open(unsigned slot, Space space) noexcept {
    const std::lock_guard lock(mutex_);
    own_ = std::uint32_t{1} << slot;
    space_ = std::move(space);
    open_ = true;
}

void Keeper::close() noexcept {
    const std::lock_guard lock(mutex_);
    open_ = false;
}

std::optional<Run> Keeper::take(std::uint32_t count) {
    const std::lock_guard lock(mutex_);
    return open_ ? space_.take(count) : std::nullopt;
}

std::optional<Run> Keeper::take_some(std::uint32_t count) {
    const std::lock_guard lock(mutex_);
    return open_ ? space_.take_some(count) : std::nullopt;
}

void Keeper::give(const Run& run) {
    const std::lock_guard lock(mutex_);
    if (open_ && run.count > 0) space_.give(run);
}

std::uint32_t Keeper::free_units() const {
    const std::lock_guard lock(mutex_);
    return space_.free_units();
}

bool Keeper::reclaim() {
    const std::lock_guard lock(mutex_);
    if (!open_ || left_.empty()) return false;
    std::uint32_t all = 0;
    for (const Left& left : left_) all |= left.holders;
    const std::uint32_t there = arena_.held_slots(all);
    if (there == all) return false;
    std::vector<Left> before;
    before.swap(left_);
    for (Left& left : before) free_runs(left.holders & there, std::move(left.runs), left.record);
    return true;
}

void Keeper::link(const Content& content) {
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    std::uint32_t next = 0;
    for (auto piece = content.pieces.rbegin(); piece != content.pieces.rend(); ++piece) {
        arena_.set_mark(piece->run.first, {UnitKind::content, static_cast<std::uint8_t>(piece->run.count), next});
        next = piece->run.first + 1;
    }
}

void Keeper::publish(const Object& object) {
    const std::lock_guard lock(mutex_);
    if (open_) arena_.set_mark(object.run.first, {UnitKind::record, static_cast<std::uint8_t>(object.run.count), 0});
}

void Keeper::bury(const Object& object) {
    const std::lock_guard lock(mutex_);
    if (open_)
        arena_.set_mark(object.run.first,
                        {UnitKind::dead, static_cast<std::uint8_t>(object.run.count), object.holders | own_});
}

void Keeper::hold(const Object& object) {
    const std::lock_guard lock(mutex_);
    if (open_)
        arena_.set_mark(object.run.first,
                        {UnitKind::record, static_cast<std::uint8_t>(object.run.count), object.holders | own_});
}

void Keeper::leave_to(std::uint32_t holders, const Run& record) {
    const std::lock_guard lock(mutex_);
    left_.push_back({holders, {record}, record.first});
}

// The mark goes first: whoever looks while the process is killed here finds nothing, or nothing that has changed.
void Keeper::free_runs(std::uint32_t holders, std::vector<Run> runs, std::optional<std::uint32_t> record) {
    if (holders != 0) {
        if (record) arena_.set_mark(*record, {UnitKind::dead, static_cast<std::uint8_t>(runs.back().count), holders});
        left_.push_back({holders, std::move(runs), record});
        return;
    }
    if (record) arena_.set_mark(*record, {});
    for (const Run& run : runs) space_.give(run);
}

void Keeper::release_locked(Content* content) {
    if (content->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (open_) {
        std::vector<Run> runs;
        runs.reserve(content->pieces.size());
        for (const Content::Piece& piece : content->pieces) runs.push_back(piece.run);
        free_runs(content->holders, std::move(runs), std::nullopt);
    }
    delete content;
}

void Keeper::release(Content* content) noexcept {
    const std::lock_guard lock(mutex_);
    release_locked(content);
}

void Keeper::dispose(Object* object) noexcept {
    const std::lock_guard lock(mutex_);
    if (open_) free_runs(object->holders, {object->run}, object->run.first);
    if (object->content) release_locked(object->content);
    delete object;
}

} // namespace mpsup::cache
