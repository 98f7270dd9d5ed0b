#include "supervisor/control/build_id.h"

#include <cstring>
#include <elf.h>
#include <link.h>

namespace mpsup {

namespace {

std::string hex(const unsigned char* bytes, std::size_t count) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// Looks through one segment of notes (elf(5)).
void search_notes(const unsigned char* at, std::size_t left, std::string& found) {
    while (left >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note{};
        std::memcpy(&note, at, sizeof note);
        const std::size_t name = aligned(note.n_namesz);
        const std::size_t total = sizeof note + name + aligned(note.n_descsz);
        if (total > left) return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(at + sizeof note, "GNU", 4) == 0)
            found = hex(at + sizeof note + name, note.n_descsz);
        at += total;
        left -= total;
    }
}

int visit_first(dl_phdr_info* info, std::size_t, void* result) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type == PT_NOTE)
            search_notes(reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr), segment.p_memsz,
                         *static_cast<std::string*>(result));
    }
    return 1; // the first object is the program itself: look no further
}

} // namespace

std::string build_id() {
    std::string found;
    ::dl_iterate_phdr(visit_first, &found);
    return found;
}

} // namespace mpsup
