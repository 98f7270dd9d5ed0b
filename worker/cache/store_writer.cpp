#include "worker/cache/store_writer.h"

#include "worker/cache/checksum.h"
#include "worker/cache/store_core.h"

#include <algorithm>
#include <cstring>

namespace mpsup::cache {

struct StoreWriter::Pending {
    Pending(StoreCore& of, const NewResponse& response, std::uint64_t taken)
        : store(of),
          key(response.key),
          variant(response.variant),
          tags(response.tags),
          fields(response.fields),
          metadata(response.metadata),
          length(response.length),
          mark(taken) {
        if (length.value_or(0) > store.max_object()) disk = store.write_to_disk();
    }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    ~Pending() {
        for (const Content::Piece& piece : content ? content->pieces : std::vector<Content::Piece>())
            store.give(piece.run);
        store.release_pending(units);
    }

    StoreCore& store;
    const std::string key, variant, tags, fields;
    const Metadata metadata;
    const std::optional<std::uint64_t> length;
    const std::uint64_t mark;
    std::unique_ptr<Content> content = std::make_unique<Content>();
    std::uint32_t units = 0;              // taken
    std::optional<DiskTier::Writer> disk; // in place of memory

    [[nodiscard]] std::uint64_t room() const noexcept {
        return std::uint64_t{units} * Arena::unit_bytes - content->size;
    }

    // More units: as many as are known to be needed, or more the more there are already.
    bool grow() {
        std::uint64_t wanted = std::max<std::uint64_t>(units, 4);
        if (length) wanted = (*length - content->size + Arena::unit_bytes - 1) / Arena::unit_bytes;
        const auto run =
            store.take(static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, Arena::block_units)), false);
        if (!run) return false;
        if (!store.reserve_pending(run->count)) {
            store.give(*run);
            return false;
        }
        content->append(*run);
        units += run->count;
        return true;
    }

    // What memory has no room for goes on the disk, with all that came before.
    bool move_to_disk() {
        disk = store.write_to_disk();
        if (!disk) return false;
        content->units = store.at(0);
        while (disk->size() < content->size)
            if (!disk->append(content->piece(disk->size()))) return false;
        for (const Content::Piece& piece : content->pieces) store.give(piece.run);
        store.release_pending(std::exchange(units, 0));
        content = std::make_unique<Content>();
        return true;
    }

    bool append_on_disk(std::string_view piece) {
        return piece.size() <= length.value_or(store.max_on_disk()) - disk->size() && disk->append(piece);
    }

    bool append(std::string_view piece) {
        if (disk) return append_on_disk(piece);
        if (piece.size() > length.value_or(store.max_object()) - content->size)
            return !length && move_to_disk() && append_on_disk(piece);
        while (!piece.empty()) {
            if (room() == 0 && !grow()) return false;
            const Content::Piece& last = content->pieces.back();
            const std::size_t part = std::min<std::uint64_t>(piece.size(), room());
            std::memcpy(store.at(last.run.first) + (content->size - last.offset), piece.data(), part);
            content->checksum = checksum(piece.substr(0, part), content->checksum);
            content->size += part;
            piece.remove_prefix(part);
        }
        return true;
    }

    // What the last run has too much.
    void trim() {
        if (content->pieces.empty()) return;
        Run& run = content->pieces.back().run;
        const std::uint64_t used = content->size - content->pieces.back().offset;
        const auto needed = static_cast<std::uint32_t>((used + Arena::unit_bytes - 1) / Arena::unit_bytes);
        store.give({run.first + needed, run.count - needed});
        run.count = needed;
    }

    bool commit() {
        if (length && *length != (disk ? disk->size() : content->size)) return false;
        trim();
        Record record;
        record.key = key;
        record.variant = variant;
        record.tags = tags;
        record.fields = fields;
        record.metadata = metadata;
        if (disk) return store.insert_on_disk(record, *disk, mark);
        if (content->size > 0) {
            content->units = store.at(0);
            content->verified = true;
            store.link(*content);
            record.content_size = content->size;
            record.content_checksum = content->checksum;
        } else {
            content.reset();
        }
        const Object* object = store.insert(record, content.release(), mark);
        if (object) object->release();
        return object != nullptr;
    }
};

StoreWriter::StoreWriter() noexcept = default;
StoreWriter::StoreWriter(StoreCore& store, const NewResponse& response, std::uint64_t mark)
    : pending_(std::make_unique<Pending>(store, response, mark)) {}
StoreWriter::StoreWriter(StoreWriter&&) noexcept = default;
StoreWriter& StoreWriter::operator=(StoreWriter&&) noexcept = default;
StoreWriter::~StoreWriter() = default;

bool StoreWriter::append(std::string_view piece) {
    if (!pending_) return false;
    const auto lock = pending_->store.writing();
    if (pending_->store.role() == Store::Role::writer && pending_->append(piece)) return true;
    pending_->store.count_rejected();
    pending_.reset();
    return false;
}

bool StoreWriter::commit() {
    if (!pending_) return false;
    const auto lock = pending_->store.writing();
    const bool committed = pending_->store.role() == Store::Role::writer && pending_->commit();
    if (!committed) pending_->store.count_rejected();
    pending_.reset();
    return committed;
}

void StoreWriter::abort() noexcept { pending_.reset(); }

} // namespace mpsup::cache
