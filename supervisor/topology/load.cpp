#include "supervisor/topology/load.h"

#include "base/fd.h"
#include "supervisor/topology/source_text.h"
#include "supervisor/topology/validate.h"
#include "supervisor/topology/yaml_reader.h"

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {

namespace {

std::unexpected<Problems> refuse_file(const std::string& path, std::string why) {
    return std::unexpected(Problems{{path, 0, 0, std::move(why), "", ""}});
}

std::string reason(const Error& error) {
    if (error.code == std::errc::file_too_large) return "larger than 512KiB; is this a topology file?";
    if (error.code == std::errc::is_a_directory) return "is a folder";
    if (error.code == std::errc::invalid_argument) return "not a regular file";
    if (error.code == std::errc::no_such_file_or_directory) return "there is no such file";
    return error.code.message();
}

/// Everybody may write it, and we are somebody who should not do what everybody says.
bool is_unsafe_for_root(const Fd& file) {
    struct stat status{};
    return ::geteuid() == 0 && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & S_IWOTH) != 0;
}

} // namespace

std::expected<Loaded, Problems> load_file(const std::string& path, const CertificateCheck& check) {
    const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return refuse_file(path, reason(file.error()));
    if (is_unsafe_for_root(*file))
        return refuse_file(path, "everybody may write this file, and it would be obeyed as root; chmod o-w it");
    const auto text = read_file(*file, path, max_file_bytes);
    if (!text) return refuse_file(path, reason(text.error()));
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    if (error) return refuse_file(path, error.message());
    return load_text(*text, path, absolute.lexically_normal().parent_path().string(), check);
}

std::expected<Loaded, Problems> load_text(std::string_view text, const std::string& name, const std::string& folder,
                                          const CertificateCheck& check, const Variables& variables) {
    if (text.size() > max_file_bytes) return refuse_file(name, "larger than 512KiB; is this a topology file?");
    if (auto finding = check_text(text)) return std::unexpected(to_problems({std::move(*finding)}, name, text));
    auto root = read_yaml(text);
    if (!root) return std::unexpected(to_problems({std::move(root.error())}, name, text));
    auto valid = validate(*interpolate(*root, text, variables), {folder, true}, check);
    if (!valid) return std::unexpected(to_problems(std::move(valid.error()), name, text));
    return Loaded{std::move(valid->topology), to_problems(std::move(valid->warnings), name, text)};
}

} // namespace mpsup::topology
