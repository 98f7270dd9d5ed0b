#include "supervisor/topology/secret_file.h"

#include "base/fd.h"
#include "supervisor/topology/suggest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {

namespace {

constexpr std::string_view too_large = "larger than 64KiB; is this a secret?";

// Why its owner or its mode forbid to believe that nobody else knows it.
NoSecret open_to_others(const struct stat& status) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return {"belongs to another user (" + std::to_string(status.st_uid) + ")", "chown it to who runs the site"};
    if ((status.st_mode & S_IRWXO) != 0) return {"others may reach it", "chmod o-rwx it"};
    return {};
}

} // namespace

std::string to_string(const NoSecret& error) { return error.why + (error.remedy.empty() ? "" : "; " + error.remedy); }

std::expected<std::string, NoSecret> read_secret(const std::string& path) {
    const auto refuse = [&](const std::string& why, std::string remedy = {}) {
        return std::unexpected(NoSecret{in_ticks(path) + ": " + why, std::move(remedy)});
    };
    const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return refuse(unreadable(file.error(), too_large));
    struct stat status{};
    if (::fstat(file->get(), &status) != 0) return refuse(unreadable(system_failure("fstat").error(), too_large));
    if (S_ISREG(status.st_mode))
        if (auto open = open_to_others(status); !open.why.empty()) return refuse(open.why, std::move(open.remedy));
    auto text = read_file(*file, path, max_secret_bytes);
    if (!text) return refuse(unreadable(text.error(), too_large));
    if (text->contains('\0')) return refuse("has a NUL byte, which no variable can hold");
    if (text->ends_with('\n')) text->pop_back();
    return std::move(*text);
}

} // namespace mpsup::topology
