#include "worker/dynamic/heap_image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace mpsup::dynamic {

namespace {

constexpr std::size_t page = 4096;
// Moved at once, into a mapping of its own: fork(2) copies the page table of a mapping of a file only when the process has
// written to it, and after the gap in the file that follows each, the kernel does not make one of neighbours.
constexpr std::size_t smallest_step = 2 * 1024 * 1024;
constexpr std::size_t most_steps = 256;
constexpr std::size_t gap = page;
constexpr std::size_t worth_it = 4 * 1024 * 1024;    // smaller heaps stay where they are
constexpr std::size_t smaps_limit = 8 * 1024 * 1024; // bytes of /proc/self/smaps
constexpr std::size_t window = 512;                  // pages looked at at once
constexpr std::size_t batch = 16;                    // pages compared at once
constexpr int madv_populate_read = 22;               // MADV_POPULATE_READ of Linux 5.14

struct Range {
    std::uintptr_t begin = 0, end = 0;
};

void* at(std::uintptr_t address) noexcept {
    return reinterpret_cast<void*>(address); // NOLINT(performance-no-int-to-ptr): addresses come from /proc as text
}

// Signals wait while memory is moved: a handler that writes into it then would write into what is thrown away.
class Undisturbed {
public:
    Undisturbed() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, &before_);
    }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;
    ~Undisturbed() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

// Another thread would write to what is being moved or given back.
bool is_only_thread() noexcept {
    struct stat tasks{};
    return ::stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3; // ".", "..", and a folder a thread
}

// Nothing but what memory of malloc has (proc(5), VmFlags): "wf", say, is memory that must be wiped in a child.
bool has_plain_flags(std::string_view flags) {
    constexpr std::string_view plain = " rd wr mr mw me ac sd hg ";
    while (true) {
        flags.remove_prefix(std::min(flags.find_first_not_of(' '), flags.size()));
        if (flags.empty()) return true;
        const std::string_view flag = flags.substr(0, flags.find(' '));
        if (!plain.contains(" " + std::string(flag) + " ")) return false;
        flags.remove_prefix(flag.size());
    }
}

// A line of /proc/PID/maps (proc(5)).
struct MapsLine {
    Range range;
    off_t offset = 0;
    ino_t inode = 0;
    std::string_view access, name;
};

std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

template <typename Number> bool parse(std::string_view text, Number& number, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size();
}

std::optional<MapsLine> parse_maps_line(std::string_view line) {
    MapsLine found;
    const auto range = next_word(line);
    const auto dash = range.find('-');
    if (dash == std::string_view::npos || !parse(range.substr(0, dash), found.range.begin, 16) ||
        !parse(range.substr(dash + 1), found.range.end, 16))
        return std::nullopt;
    found.access = next_word(line);
    if (!parse(next_word(line), found.offset, 16)) return std::nullopt;
    (void)next_word(line); // device
    if (!parse(next_word(line), found.inode, 10)) return std::nullopt;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    found.name = line;
    return found;
}

bool next_line(std::string_view& rest, std::string_view& line) {
    if (rest.empty()) return false;
    line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return true;
}

bool is_image(const MapsLine& line) { return line.name.starts_with("/memfd:mpsup-heap") && line.access == "rw-p"; }

// What brk(2) has made and what an earlier image has made of that, as long as it is ordinary memory in one piece. Only
// that: memory that malloc has mapped by itself is moved and grown by mremap(2), which a mapping of a file would take for
// more of the file.
std::optional<Range> find_heap() {
    const auto smaps = read_file("/proc/self/smaps", smaps_limit);
    if (!smaps) return std::nullopt;
    std::optional<Range> found;
    std::optional<MapsLine> current;
    std::string_view rest = *smaps;
    for (std::string_view line; next_line(rest, line);) {
        if (const auto header = parse_maps_line(line)) current = header;
        if (!current || !line.starts_with("VmFlags:") || !has_plain_flags(line.substr(8))) continue;
        if (!is_image(*current) && (current->name != "[heap]" || current->access != "rw-p")) continue;
        if (found && found->end != current->range.begin) return std::nullopt;
        if (!found) found = current->range;
        found->end = current->range.end;
    }
    return found;
}

bool write_all(int file, std::uintptr_t from, std::size_t size, off_t offset) noexcept {
    while (size > 0) {
        const ssize_t written = ::pwrite(file, at(from), size, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        from += static_cast<std::size_t>(written);
        offset += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

// The memory is gone when the kernel has unmapped it and then could not map the file: it is put back from the copy.
void restore(int file, std::uintptr_t begin, std::size_t size, off_t offset) noexcept {
    constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (::mmap(at(begin), size, PROT_READ | PROT_WRITE, how, -1, 0) == MAP_FAILED) std::abort();
    if (::pread(file, at(begin), size, offset) != static_cast<ssize_t>(size)) std::abort();
}

std::size_t step_of(Range heap) noexcept {
    const std::size_t share = (heap.end - heap.begin) / most_steps;
    return std::max(smallest_step, (share + page - 1) / page * page);
}

std::size_t file_size_of(Range heap) noexcept {
    const std::size_t size = heap.end - heap.begin;
    return size + (size / step_of(heap) + 1) * gap;
}

// How much of it was moved, from its beginning. On the stack only: what it moves is the heap.
std::size_t move_into(int file, Range heap) noexcept {
    const Undisturbed quiet;
    const std::size_t step = step_of(heap);
    std::size_t moved = 0;
    for (off_t offset = 0; heap.begin + moved < heap.end; offset += static_cast<off_t>(step + gap)) {
        const std::uintptr_t begin = heap.begin + moved;
        const std::size_t size = std::min(step, heap.end - begin);
        if (!write_all(file, begin, size, offset)) break;
        constexpr int how = MAP_PRIVATE | MAP_FIXED;
        if (::mmap(at(begin), size, PROT_READ | PROT_WRITE, how, file, offset) == MAP_FAILED) {
            restore(file, begin, size, offset);
            break;
        }
        moved += size;
    }
    return moved;
}

bool may_write_files_of_any_size() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

// As /proc/PID/pagemap has it (kernel documentation, admin-guide/mm/pagemap): there, and neither of a file nor shared.
bool is_own(std::uint64_t entry) noexcept { return (entry >> 63U) == 1 && ((entry >> 61U) & 1U) == 0; }

// Gives back the pages of a run that are as the file has them.
std::size_t give_back_run(int file, std::uintptr_t begin, std::size_t pages, off_t offset) noexcept {
    std::array<char, batch * page> was; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the call below
    if (::pread(file, was.data(), pages * page, offset) != static_cast<ssize_t>(pages * page)) return 0;
    std::size_t given = 0;
    for (std::size_t i = 0; i < pages;) {
        std::size_t same = 0;
        while (i + same < pages &&
               std::memcmp(at(begin + (i + same) * page), was.data() + (i + same) * page, page) == 0)
            ++same;
        if (same > 0 && ::madvise(at(begin + i * page), same * page, MADV_DONTNEED) == 0) {
            given += same * page;
        }
        i += std::max<std::size_t>(same, 1);
    }
    return given;
}

// Where memory of an image is now. What was unmapped since, and mapped anew, is not of the image any more.
struct Piece {
    Range range;
    off_t offset = 0; // in the file
};

std::vector<Piece> pieces_of(int file) {
    std::vector<Piece> pieces;
    struct stat status{};
    const auto maps = read_file("/proc/self/maps", smaps_limit);
    if (!maps || ::fstat(file, &status) != 0) return pieces;
    std::string_view rest = *maps;
    for (std::string_view line; next_line(rest, line);)
        if (const auto found = parse_maps_line(line); found && is_image(*found) && found->inode == status.st_ino)
            pieces.push_back({found->range, found->offset});
    return pieces;
}

void give_back_piece(int file, int pagemap, const Piece& piece, HeapImage::Outcome& outcome) noexcept {
    std::array<std::uint64_t, window> entries{};
    const std::size_t total = (piece.range.end - piece.range.begin) / page;
    for (std::size_t first = 0; first < total; first += window) {
        const std::size_t count = std::min(window, total - first);
        const auto where = static_cast<off_t>((piece.range.begin / page + first) * sizeof entries[0]);
        const auto got = ::pread(pagemap, entries.data(), count * sizeof entries[0], where);
        if (got != static_cast<ssize_t>(count * sizeof entries[0])) return;
        for (std::size_t i = 0; i < count;) {
            std::size_t run = 0;
            while (i + run < count && run < batch && is_own(entries[i + run])) ++run;
            const std::size_t offset = (first + i) * page;
            outcome.own += run * page;
            if (run > 0)
                outcome.given +=
                    give_back_run(file, piece.range.begin + offset, run, piece.offset + static_cast<off_t>(offset));
            i += std::max<std::size_t>(run, 1);
        }
    }
}

} // namespace

std::optional<HeapImage> HeapImage::take() noexcept {
    auto heap = find_heap();
    if (!heap || !is_only_thread() || !may_write_files_of_any_size() || ::sysconf(_SC_PAGESIZE) != page)
        return std::nullopt;
    Fd file(::memfd_create("mpsup-heap", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file || ::ftruncate(file.get(), static_cast<off_t>(file_size_of(*heap))) != 0) return std::nullopt;
    // It may have become smaller by what was read of /proc above.
    const auto brk = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    heap->end = std::min(heap->end, brk / page * page);
    if (heap->end < heap->begin + worth_it) return std::nullopt;
    const std::size_t moved = move_into(file.get(), *heap);
    if (moved == 0) return std::nullopt;
    (void)::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    (void)::madvise(at(heap->begin), moved, madv_populate_read); // a page that one process alone has is its own
    return HeapImage(std::move(file), moved);
}

HeapImage::Outcome HeapImage::give_back() const noexcept {
    Outcome outcome;
    const Fd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pagemap || !is_only_thread()) return outcome;
    const std::vector<Piece> pieces = pieces_of(file_.get());
    const Undisturbed quiet;
    for (const Piece& piece : pieces) give_back_piece(file_.get(), pagemap.get(), piece, outcome);
    return outcome;
}

} // namespace mpsup::dynamic
