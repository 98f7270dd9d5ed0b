#include "worker/dynamic/heap.h"

#include "base/fd.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <string_view>
#include <sys/mman.h>

namespace mpsup::dynamic {

namespace {

constexpr int madv_collapse = 25; // MADV_COLLAPSE of Linux 6.1; Debian 12's glibc does not name it yet
constexpr std::uintptr_t huge_page = 2 * 1024 * 1024;
constexpr std::size_t maps_limit = 4 * 1024 * 1024;

// The range of a line of /proc/PID/maps (proc(5)) if it is memory of our own: writable, private, of no file.
bool parse_anonymous(std::string_view line, std::uintptr_t& begin, std::uintptr_t& end) {
    const auto dash = line.find('-');
    const auto space = line.find(' ');
    if (dash == std::string_view::npos || space == std::string_view::npos || dash > space) return false;
    std::from_chars(line.data(), line.data() + dash, begin, 16);
    std::from_chars(line.data() + dash + 1, line.data() + space, end, 16);
    if (!line.substr(space).starts_with(" rw-p 00000000 00:00 0")) return false;
    return line.ends_with("[heap]") || line.find('[') == std::string_view::npos;
}

} // namespace

void settle_heap() noexcept {
    ::malloc_trim(0); // merges
    // An allocation that no free piece fits at once sorts up to 10000 pieces (glibc's MAX_ITERS), this one as well: it is
    // larger than small bins hold and smaller than what is mapped by itself.
    constexpr std::size_t sorted_at_once = 10'000;
    constexpr std::size_t odd_size = 100'000;
    const std::size_t rounds = ::mallinfo2().ordblks / sorted_at_once + 2;
    for (std::size_t i = 0; i < rounds; ++i) {
        void* volatile piece = std::malloc(odd_size);
        std::free(piece);
    }
}

std::size_t collapse_heap() noexcept {
    std::size_t collapsed = 0;
    const auto maps = read_file("/proc/self/maps", maps_limit);
    if (!maps) return 0;
    for (std::string_view rest = *maps; !rest.empty();) {
        const auto newline = rest.find('\n');
        const auto line = rest.substr(0, newline);
        rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        if (!parse_anonymous(line, begin, end)) continue;
        begin = (begin + huge_page - 1) / huge_page * huge_page;
        end = end / huge_page * huge_page;
        // One by one: a range with a hole in it is refused whole.
        for (; begin < end; begin += huge_page)
            if (::madvise(reinterpret_cast<void*>(begin), huge_page, madv_collapse) == 0) collapsed += huge_page;
    }
    return collapsed;
}

} // namespace mpsup::dynamic
