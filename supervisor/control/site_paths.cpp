#include "supervisor/control/site_paths.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t longest_generation = 10; // digits of a generation's number that surely fit

std::string home_dir() {
    if (const char* home = std::getenv("HOME"); home && *home) return home;
    const passwd* entry = ::getpwuid(::geteuid());
    return entry ? entry->pw_dir : "";
}

std::string absolute(const std::string& path) {
    std::error_code error;
    auto full = fs::absolute(path, error);
    return error ? path : full.lexically_normal().string();
}

Result<> make_dir(const std::string& path, mode_t mode) {
    std::error_code error;
    const fs::path parent = fs::path(path).parent_path();
    fs::create_directories(parent, error);
    if (error) return std::unexpected(Error{"create " + parent.string(), error});
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return system_failure("create " + path);
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return system_failure("look at " + path);
    if (!S_ISDIR(status.st_mode)) return system_failure("use " + path, ENOTDIR);
    if (status.st_uid != ::geteuid()) return failure("use " + path + ": it belongs to another user");
    // The umask of whoever typed the command has no say.
    if ((status.st_mode & 07777) != mode && ::chmod(path.c_str(), mode) != 0) return system_failure("chmod " + path);
    return {};
}

} // namespace

Result<BaseDirs> BaseDirs::find(const std::optional<std::string>& state_dir,
                                const std::optional<std::string>& run_dir) {
    BaseDirs dirs;
    if (state_dir) {
        dirs.state = absolute(*state_dir);
        dirs.run = dirs.state + "/run";
    } else if (::geteuid() == 0) {
        dirs = {"/var/lib/mpsup", "/run/mpsup"};
    } else {
        const char* xdg = std::getenv("XDG_STATE_HOME");
        const std::string home = home_dir();
        if (!(xdg && *xdg) && home.empty()) return failure("no home directory: set HOME or give --state-dir");
        dirs.state = (xdg && *xdg ? std::string(xdg) : home + "/.local/state") + "/mpsup";
        dirs.run = dirs.state + "/run";
    }
    if (run_dir) dirs.run = absolute(*run_dir);
    return dirs;
}

SitePaths::SitePaths(const BaseDirs& base, const std::string& site)
    : state_(base.state + "/" + site), run_(base.run + "/" + site) {}

Result<> SitePaths::create() const {
    constexpr std::size_t longest_worker = 32; // topology/key_table: names are no longer
    const std::size_t longest = private_socket("", 0).size() + longest_worker + longest_generation;
    if (longest > longest_socket_path)
        return failure("the run folder " + run_ + " makes socket paths longer than the kernel's " +
                       std::to_string(longest_socket_path) + " bytes: give a shorter one with --run-dir");
    const std::array<std::pair<std::string, mode_t>, 11> folders{{{state_, 0700},
                                                                  {logs(), 0700},
                                                                  {buffer_folder(), 0700},
                                                                  {state_ + "/cache", 0700},
                                                                  {state_ + "/maintenance", 0700},
                                                                  {fs::path(run_).parent_path().string(), 0711},
                                                                  {run_, 0711},
                                                                  {run_ + "/control", 0700},
                                                                  {run_ + "/contract", 0711},
                                                                  {run_ + "/pool", 0700},
                                                                  {run_ + "/private", 0711}}};
    for (const auto& [path, mode] : folders)
        if (auto made = make_dir(path, mode); !made) return made;
    return {};
}

std::uint64_t SitePaths::last_private_socket(const std::string& worker) const {
    const std::string prefix = worker + ".";
    std::uint64_t last = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(run_ + "/private", error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        std::uint64_t number = 0;
        const char* const end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
        if (parsed.ec == std::errc{} && parsed.ptr == end) last = std::max(last, number);
    }
    return last;
}

std::vector<std::string> known_sites(const BaseDirs& base) {
    std::vector<std::string> sites;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(base.state, error))
        if (fs::exists(entry.path() / "lock", error)) sites.push_back(entry.path().filename().string());
    std::ranges::sort(sites);
    return sites;
}

} // namespace mpsup
