// The cache's memory: responses in a memory file that outlives the process.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/cache/cache_key.h"
#include "worker/cache/disk_tier.h"
#include "worker/cache/hit.h"
#include "worker/cache/store_writer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cache {

struct StoreOptions {
    std::uint64_t max_object = std::uint64_t{64}
                               << 20U; // content of one response; never more than an eighth of the memory
    std::size_t max_variants = 16;     // of one URL; the one that was not used for longest goes
};

/// Since the process attached.
struct StoreStats {
    std::uint64_t bytes = 0, used_bytes = 0; // of memory
    std::uint64_t objects = 0;
    std::uint64_t hits = 0, misses = 0; // as the caller counted them
    std::uint64_t stored = 0;           // responses
    std::uint64_t rejected = 0;         // that did not fit, or came while another process writes
    std::uint64_t evicted = 0;          // to make room
    std::uint64_t erased = 0;           // purged or invalidated
    std::uint64_t damaged = 0;          // found not to be what was stored
    std::optional<DiskStats> disk;      // of the second tier, if there is one
};

/// One line of `mpsup cache ls`.
struct StoredRow {
    std::string url, variant, tags;
    int status = 0;
    std::uint64_t size = 0; // of the content
    Seconds age = 0, ttl = 0;
    bool on_disk = false; // and not in memory
};

/// Shared by all threads of a process; every function may be called by any of them.
///
/// The memory is written by one process at a time: the one that holds a lock on it (fcntl(2), open file description locks, so
/// the kernel lets go of it when the process dies). The index over it lies in each process's own memory, made from the
/// records when the process becomes the writer; so nothing that another process wrote is ever used without having been
/// checked, and a pin is a plain counter. Three roles:
/// - guest: another process writes. What lay in the memory when this one attached can be found: it is copied, and used if the
///   copy has the checksum that it should have (so no harm is done if the writer overwrites it meanwhile). Small ones only.
/// - writer: everything. Hits are views into the memory, no copies, and stay what they are while they are held.
/// - retired: what a writer becomes when it lets go. Hits that it had stay as they are until it ends, because records that it
///   holds carry its number, and the next writer leaves them alone while the lock of that number is held. What it finds from
///   then on is copied and checked, as by a guest.
/// So a process that starts while another one serves can attach at once, and asks try_to_write every now and then; one that
/// is told to drain retires. Killed at any moment, it leaves whole responses and nothing else: a record counts from the one
/// store on that makes it visible.
///
/// Room is taken in units of 1 KiB and runs of up to 64 of them; a response takes as many runs as it needs. When there is no
/// room the responses that were not used for longest go. A million responses of a byte take what their heads take.
///
/// With a second tier (disk_tier.h) the writer offers to it what has to go, and what is too large for memory goes to it at once. A
/// response in memory is the latest: whatever is stored there takes the one of the same URL and variant off the disk, but for
/// one that comes from it. Found on the disk for the second time, a small one comes back to memory.
class Store {
public:
    enum class Role { guest, writer, retired };

    /// Before anybody uses the store. It is opened by open_disk().
    void use_disk(std::shared_ptr<DiskTier> disk) noexcept;
    /// Null: there is none.
    [[nodiscard]] DiskTier* disk() const noexcept;
    /// Opens the second tier once this process writes. Takes as long as reading its file does: not for a loop.
    void open_disk();
    /// Copies to the disk what has lain in memory for a while and will be good for longer, so that it is there when memory is
    /// not any more: some of it, going round. Waits for the disk: by one thread at a time, not for a loop.
    void save_some(Seconds now);

    /// The memory, for whoever keeps it (the supervisor). `size`: at least 1 MiB; made a whole number of 64 KiB.
    [[nodiscard]] static Result<Fd> make_memory(std::uint64_t size);

    /// Maps it; `memory` stays the caller's. Fails only when it is no such memory file (its size, seals), or cannot be mapped,
    /// or /proc is not there. What is in it is believed as far as it can be checked: anything else is as good as not there.
    /// Becomes the writer at once if nobody else is. Takes time with the number of responses: about 1 s for a million.
    [[nodiscard]] static Result<std::unique_ptr<Store>> attach(const Fd& memory, const StoreOptions& options);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    [[nodiscard]] Role role() const noexcept;
    /// A guest becomes the writer if nobody else is. Cheap when it does not; takes time as attach when it does (others may go
    /// on meanwhile as if it were a guest), so call it from where that does no harm.
    bool try_to_write();
    /// A writer lets go; responses that are just being stored are given up. For good: it never writes again.
    void retire();

    struct Found {
        Hit hit;            // empty: nothing for this request
        bool known = false; // something is stored of the URL, for other requests
        OnDisk on_disk;     // without a hit: there is one, to be loaded (DiskTier::load) by whoever has the time
        bool again = false; // and it was asked for before
    };
    /// The response for a request: of several that match, the latest. Fresh or not.
    [[nodiscard]] Found find(const CacheKey& key, std::span<const http::Field> request_fields);

    /// What was loaded moves to memory, if it is small and still there; `hit` becomes that.
    void promote(Hit& hit);

    /// To be taken before a request is sent to the origin, and given to begin(): a response is not stored when its URL was
    /// erased in between, because it may be from before that.
    [[nodiscard]] std::uint64_t mark() const noexcept;

    /// Starts to store a response; an empty writer when that is not possible. It replaces the one of the same URL and variant
    /// when it is committed.
    [[nodiscard]] StoreWriter begin(const NewResponse& response);

    /// Stores a new head with the content of `hit`; `hit` becomes the new one. False: it stays what it is, because the response
    /// was erased or replaced meanwhile, or there is no room, or another process writes; or it is a large one on the disk, of
    /// which the next hit has the new head.
    bool freshen(Hit& hit, const std::string& fields, const Metadata& metadata);

    /// All variants of a URL; how many there were, as far as this process knows. Whoever does not write tells the writer, who
    /// does it before he next looks for anything.
    std::size_t erase(const CacheKey& key);
    /// This one only; the writer alone can.
    bool erase(const Hit& hit);
    /// A process that does not write has everything erased, because it does not know what has the tag.
    std::size_t erase_tag(std::string_view tag);
    std::size_t clear();

    /// About `limit` rows from `cursor` on (0: the beginning), whose URL starts with `prefix`; fewer, maybe none, when many had
    /// to be passed over. `cursor` is moved on; 0: the end. What is stored or erased meanwhile may be missing or there. Empty
    /// when another process writes.
    [[nodiscard]] std::vector<StoredRow> list(std::uint64_t& cursor, std::size_t limit, std::string_view prefix,
                                              Seconds now);

    void count_hit() noexcept;
    void count_miss() noexcept;
    [[nodiscard]] StoreStats stats() const;

private:
    explicit Store(std::unique_ptr<StoreCore> core) noexcept;
    std::unique_ptr<StoreCore> core_;
};

} // namespace mpsup::cache
