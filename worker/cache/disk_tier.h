// The second tier of the cache: responses in a file, for which memory has no room, or which are to survive it.
#pragma once

#include "base/background.h"
#include "worker/cache/disk_directory.h"
#include "worker/cache/disk_file.h"
#include "worker/cache/hit.h"
#include "worker/cache/keyed_hash.h"
#include "worker/http/request.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cache {

struct DiskOptions {
    std::string folder;     // is made if it is not there
    std::uint64_t size = 0; // of the file
    std::size_t max_variants = 16;
    /// Somebody should know. `off`: the tier is of no use any more. Called by any thread, with no lock held.
    std::function<void(bool off, const std::string& what)> tell;
};

/// Since it was opened.
struct DiskStats {
    std::uint64_t bytes = 0, used_bytes = 0;
    std::uint64_t objects = 0;
    std::uint64_t hits = 0;
    std::uint64_t stored = 0;
    std::uint64_t dropped = 0; // not written, because the disk did not keep up
    std::uint64_t damaged = 0; // found not to be what was written
};

/// Where a response lies that cannot be had at once.
struct OnDisk {
    std::uint64_t hash = 0, position = 0;
    [[nodiscard]] explicit operator bool() const noexcept { return hash != 0 || position != 0; }
};

/// Shared by all threads of a process. What would wait for the disk is done by threads of its own, or is said below to be for
/// whoever may wait. What is stored can be found at once, and lies in memory until it is written; what is erased is not found
/// any more at once, and its mark on the disk is written after what was asked for before. It must not end before Store has.
class DiskTier : public std::enable_shared_from_this<DiskTier> {
public:
    static constexpr std::uint64_t most_loaded = std::uint64_t{4} << 20U; // of content: more is sent piece by piece

    [[nodiscard]] static std::shared_ptr<DiskTier> make(DiskOptions options);

    /// Opens the file if no other process has it. Takes as long as reading it does. What fails for good is told.
    void try_to_open(const HashKey& key);
    /// Is it worth trying?
    [[nodiscard]] bool is_closed() const noexcept { return state_.load() == State::closed; }
    [[nodiscard]] bool is_open() const noexcept { return state_.load(std::memory_order_acquire) == State::open; }
    /// Lets go, for good, once all that was asked for is written.
    void retire();
    /// Waits for that.
    void finish();

    struct Found {
        Hit hit;            // what is in memory already
        OnDisk place;       // otherwise, if there is one
        bool known = false; // something of the URL is there, for other requests
        bool again = false; // it was asked for before
    };
    [[nodiscard]] Found find(std::uint64_t hash, std::string_view key, std::span<const http::Field> request_fields);
    /// Reads and checks what find() has found; empty: it is not there any more. Waits for the disk.
    [[nodiscard]] Hit load(const OnDisk& place);
    /// The same by a thread that may; `done` is called there. False: too much is being read, and it is not called.
    [[nodiscard]] bool load(const OnDisk& place, std::function<void(Hit)> done);
    /// Content of a hit that is_absent(), from `offset` on; nothing: it is damaged. Waits for the disk.
    [[nodiscard]] std::optional<std::string> read_piece(const Hit& hit, std::uint64_t offset);
    [[nodiscard]] bool read_piece(const Hit& hit, std::uint64_t offset,
                                  std::function<void(std::optional<std::string>)> done);

    /// The same response as `object` or a later one?
    [[nodiscard]] bool has(const Object& object);
    /// Calls `act` if that response is still there, and nobody erases or replaces it meanwhile. What that returned; if that is
    /// true the response goes, unless it `stays`.
    bool while_there(const OnDisk& place, bool stays, const std::function<bool()>& act);

    /// Called when a response is about to be found, while nobody erases or replaces any; false: it is given up.
    using Wanted = std::function<bool()>;

    /// Content of any length on its way to the disk, by one thread at a time.
    class Writer {
    public:
        /// `may_wait`: for the disk, when it does not keep up; else it is given up.
        Writer(std::shared_ptr<DiskTier> tier, bool may_wait) noexcept;
        [[nodiscard]] bool append(std::string_view piece);
        /// `record`: but for its content.
        [[nodiscard]] bool commit(Record record, bool replaces, const Wanted& wanted);
        [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
        [[nodiscard]] std::uint32_t checksum() const noexcept { return checksum_; }

    private:
        [[nodiscard]] bool flush();
        std::shared_ptr<DiskTier> tier_;
        bool may_wait_;
        std::string buffer_;
        std::vector<std::uint64_t> parts_;
        std::uint64_t size_ = 0;
        std::uint32_t checksum_ = 0;
    };
    [[nodiscard]] std::uint64_t max_object() const noexcept;

    /// What memory is about to lose, if it is not there yet. Copies small ones, keeps large ones until they are written. False: it
    /// cannot be taken. `wanted` may be called later, until finish() returns.
    bool offer(const Hit& hit, const Wanted& wanted);
    /// The same for what stays in memory, by whoever may wait for the disk. False: it is of no use to go on.
    bool save(const Hit& hit);
    /// A new head for a response of this tier, whose content lies in parts. `hit` itself stays what it is.
    [[nodiscard]] bool freshen(const Hit& hit, const Record& record);

    /// What becomes of memory in the same step, so that nothing is on its way from one to the other meanwhile; false: nothing
    /// is erased.
    using Step = std::function<bool()>;
    /// There is a newer one elsewhere, or none is to be found. What `memory` returned.
    bool supersede(std::uint64_t hash, std::string_view key, std::string_view variant, const Step& memory);
    /// `gone` is called for each.
    using Gone = std::function<void(const DiskEntry&)>;
    void erase(std::uint64_t hash, std::string_view key, const Step& memory, const Gone& gone);
    void erase(std::uint64_t hash, const Step& memory);
    void erase_tagged(std::string_view tag, const Step& memory, const Gone& gone);
    void clear(const Step& memory);
    /// What was erased stays so though the machine fails. Waits for the disk.
    void sync();

    void visit(std::uint64_t& cursor, std::size_t most, const std::function<bool(const DiskEntry&)>& visit);
    [[nodiscard]] DiskStats stats() const;

private:
    enum class State { closed, loading, open, retiring, off };
    struct Order {
        std::uint64_t position = 0, hash = 0;
        std::shared_ptr<const std::string> bytes{}; // null: kill it
        bool forget = false;                        // everything before it
        bool unnote = false;                        // what was erased early is so on the disk now
    };
    struct Adding {
        bool may_wait = false; // for the disk
        bool replaces = false; // what is there already
        const Wanted& wanted;
    };
    struct Early {
        std::optional<std::uint64_t> hash;
        DiskDirectory::Matches matches;
    };
    explicit DiskTier(DiskOptions options) : options_(std::move(options)), note_(options_.folder) {}

    [[nodiscard]] Result<> open_and_read(const HashKey& key);
    [[nodiscard]] Result<std::uint64_t> read_all(DiskFile& file, const HashKey& key, DiskDirectory& found);
    void tell(bool off, const std::string& what) const;
    [[nodiscard]] Result<> begin_with(DiskFile file, DiskDirectory found, std::uint64_t end);
    void fail(const Error& error);
    void note_damage(const OnDisk& place);
    bool erase_where(std::optional<std::uint64_t> hash, const DiskDirectory::Matches& matches, const Step& memory,
                     const Gone& gone);
    [[nodiscard]] std::optional<std::uint64_t> add_part(std::string_view content, bool may_wait);
    [[nodiscard]] bool add_response(const Record& of, std::span<const std::uint64_t> parts, std::string_view content,
                                    const Adding& how);
    [[nodiscard]] bool copy(const Hit& hit, const Adding& how);
    [[nodiscard]] std::optional<std::string> read_part(std::uint64_t position, std::uint32_t size) const;
    void set_asked(const OnDisk& place, std::uint8_t asked);
    [[nodiscard]] Hit hit_of(std::string front, std::string content, const OnDisk& place) const;
    [[nodiscard]] Hit load_parts(Hit hit) const;

    // With mutex_ held:
    using Lock = std::unique_lock<std::mutex>;
    [[nodiscard]] const DiskEntry* find_entry(std::uint64_t hash, std::string_view key, std::string_view variant);
    [[nodiscard]] bool has(std::uint64_t hash, const Record& record);
    [[nodiscard]] bool make_room(Lock& lock, bool may_wait);
    void leave_segment();
    void forget_all();
    void note_erasure();
    std::uint64_t place(std::shared_ptr<std::string> record, std::uint64_t hash);
    void kill(const DiskDirectory::Positions& positions);
    void wake_writer();
    void write_orders();
    [[nodiscard]] Result<> carry_out(const Order& order);

    const DiskOptions options_;
    ErasureNote note_;
    bool noted_ = false, noting_ = false; // or about to be
    HashKey key_;                         // as file_
    std::unique_ptr<DiskFile> file_;      // set before the state is open, and never again
    std::atomic<State> state_{State::closed};
    mutable std::mutex mutex_;
    std::condition_variable idle_; // orders have been carried out
    DiskDirectory directory_;
    std::vector<Early> early_; // what was erased before it was known what there is
    std::uint64_t end_ = 0;    // of the log
    std::deque<Order> orders_;
    std::uint64_t ordered_bytes_ = 0;
    unsigned copies_ = 0; // hits that are kept until they are written
    bool writing_ = false;
    std::atomic<bool> unsynced_{false};
    std::atomic<std::uint64_t> hits_{0}, stored_{0}, dropped_{0}, damaged_{0};
    Background writer_{{.threads = 1, .waiting = 4}};
    Background copier_{{.threads = 1, .waiting = 64, .nice = 5}};
    Background readers_{{.threads = 2, .waiting = 1024}};
};

} // namespace mpsup::cache
