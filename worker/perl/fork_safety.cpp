#include "worker/perl/fork_safety.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <charconv>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace mpsup::perl {

namespace {

using Inventory = std::map<std::string, std::string>; // what cannot be mistaken, and for people

struct Watch {
    const void* of = nullptr;                                  // the interpreter that loads; null: none does
    Inventory known;                                           // all that was ever seen
    std::vector<std::pair<std::string, std::string>> findings; // key, sentence
    std::string where; // kept here, because what ends a file may die and never come back
};
Watch watch;
Perl_ppaddr_t perl_leaveeval;

std::string describe_peer(int fd) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "not connected";
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (peer.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(peer);
        return std::string("to ") + ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size()) + ":" +
               std::to_string(ntohs(in.sin_port));
    }
    if (peer.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(peer);
        return std::string("to [") + ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size()) +
               "]:" + std::to_string(ntohs(in.sin6_port));
    }
    const auto& local = reinterpret_cast<const sockaddr_un&>(peer);
    return peer.ss_family == AF_UNIX && local.sun_path[0] != '\0' ? "to " + std::string(local.sun_path)
                                                                  : "to another process";
}

void add_sockets(Inventory& inventory) {
    DIR* folder = ::opendir("/proc/self/fd");
    if (!folder) return;
    while (const dirent* entry = ::readdir(folder)) {
        int fd = -1;
        const std::string_view name = entry->d_name;
        std::from_chars(name.data(), name.data() + name.size(), fd);
        struct stat status{};
        if (fd < 0 || ::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
        inventory.emplace("socket " + std::to_string(status.st_ino),
                          "a socket (descriptor " + std::to_string(fd) + ", " + describe_peer(fd) + ")");
    }
    ::closedir(folder);
}

void add_threads(Inventory& inventory) {
    struct stat status{};
    if (::stat("/proc/self/task", &status) == 0 && status.st_nlink > 3)
        inventory.emplace("threads", "threads, which no child has");
}

void add_database_handles(pTHX_ Inventory& inventory) {
    if (!get_cv("DBI::visit_handles", 0)) return;
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    PUTBACK;
    const SSize_t count = call_pv("Mpsup::PSGI::database_handles", G_LIST | G_EVAL);
    SPAGAIN;
    for (SSize_t i = 0; i < count; ++i) {
        SV* handle = POPs; // a macro that SvPV would evaluate twice
        const char* text = SvPV_nolen(handle);
        inventory.emplace(text, std::string("a database handle (") + text + ")");
    }
    PUTBACK;
    CLEAR_ERRSV();
    FREETMPS;
    LEAVE;
}

Inventory take_inventory(pTHX) {
    Inventory inventory;
    add_sockets(inventory);
    add_threads(inventory);
    add_database_handles(aTHX_ inventory);
    return inventory;
}

void note_news(pTHX_ const std::string& where) {
    for (auto& [key, text] : take_inventory(aTHX))
        if (watch.known.emplace(key, text).second)
            watch.findings.emplace_back(key, text + ", made while loading " + where);
}

// The end of a file that was loaded. The innermost file ends first, so what is new is its own.
OP* note_end_of_file(pTHX) {
    if (aTHX != watch.of) return perl_leaveeval(aTHX); // threads have interpreters of their own
    const PERL_CONTEXT* frame = CX_CUR();
    const auto type = CxOLD_OP_TYPE(frame);
    if (type != OP_REQUIRE && type != OP_DOFILE) return perl_leaveeval(aTHX);
    const COP* asked = frame->blk_oldcop;
    watch.where = CopFILE(PL_curcop) ? CopFILE(PL_curcop) : "?";
    watch.where += std::string(" (asked for at ") + (CopFILE(asked) ? CopFILE(asked) : "?") + " line " +
                   std::to_string(CopLINE(asked)) + ")";
    note_news(aTHX_ watch.where); // before what it was loaded by goes on
    return perl_leaveeval(aTHX);
}

} // namespace

void ForkSafety::begin(pTHX) {
    if (!perl_leaveeval) {
        perl_leaveeval = PL_ppaddr[OP_LEAVEEVAL];
        PL_ppaddr[OP_LEAVEEVAL] = note_end_of_file;
    }
    watch = {aTHX, take_inventory(aTHX), {}, {}};
}

std::vector<std::string> ForkSafety::end(pTHX) {
    note_news(aTHX_ "the application");
    watch.of = nullptr;
    const Inventory there = take_inventory(aTHX);
    std::vector<std::string> sentences;
    for (const auto& [key, sentence] : std::exchange(watch.findings, {}))
        if (there.contains(key)) sentences.push_back(sentence); // what was closed again shares nothing
    return sentences;
}

} // namespace mpsup::perl
