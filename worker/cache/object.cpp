#include "worker/cache/object.h"

#include "worker/cache/checksum.h"
#include "worker/cache/hit.h"
#include "worker/cache/keeper.h"
#include "worker/cache/storable.h"

#include <algorithm>

namespace mpsup::cache {

std::string_view Content::piece(std::uint64_t offset) const noexcept {
    if (offset >= size) return {};
    if (pieces.empty()) return std::string_view(copy).substr(offset);
    const auto after = std::ranges::upper_bound(pieces, offset, {}, &Piece::offset);
    const Piece& found = *std::prev(after);
    const std::uint64_t skip = offset - found.offset;
    const std::uint64_t stored = std::uint64_t{found.run.count} * Arena::unit_bytes;
    return {units + std::size_t{found.run.first} * Arena::unit_bytes + skip, std::min(stored - skip, size - offset)};
}

void Content::append(const Run& run) {
    const Piece* last = pieces.empty() ? nullptr : &pieces.back();
    pieces.push_back({run, last ? last->offset + std::uint64_t{last->run.count} * Arena::unit_bytes : 0});
}

bool Content::verify() noexcept {
    if (verified.load(std::memory_order_acquire)) return true;
    std::uint32_t found = 0;
    for (std::uint64_t at = 0; at < size;) {
        const std::string_view part = piece(at);
        found = cache::checksum(part, found);
        at += part.size();
    }
    if (found != checksum) return false;
    verified.store(true, std::memory_order_release);
    return true;
}

std::string_view language_of(const Record& record) noexcept {
    if (record.variant.find("accept-language") == std::string_view::npos) return {};
    return find_field(record.fields, "Content-Language").value_or("");
}

Object::Object(Keeper* keeper, const Record& of, const Run& where, Content* bytes)
    : record(of), language(language_of(of)), run(where), content(bytes), keeper_(keeper) {}

void Object::release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Object* self = const_cast<Object*>(this); // NOLINT(cppcoreguidelines-pro-type-const-cast): nobody else has it now
    if (keeper_) {
        keeper_->dispose(self);
    } else {
        delete content;
        delete self;
    }
}

Hit::~Hit() {
    if (object_) object_->release();
}

const Metadata& Hit::metadata() const noexcept { return object_->record.metadata; }
std::string_view Hit::key() const noexcept { return object_->record.key; }
std::string_view Hit::fields() const noexcept { return object_->record.fields; }
std::uint64_t Hit::size() const noexcept { return object_->record.content_size; }
bool Hit::is_absent() const noexcept { return object_->content && object_->content->absent; }
Hit Hit::share() const noexcept {
    if (object_) object_->acquire();
    return Hit(object_);
}
std::string_view Hit::piece(std::uint64_t offset) const noexcept {
    return object_->content ? object_->content->piece(offset) : std::string_view();
}

} // namespace mpsup::cache
