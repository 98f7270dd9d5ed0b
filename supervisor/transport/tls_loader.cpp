#include "supervisor/transport/tls_loader.h"

#include <dlfcn.h>
#include <filesystem>
#include <string_view>

namespace mpsup::tls {

std::string plugin_path() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return program.parent_path() / "tls.so";
}

Result<const Plugin*> load_plugin(const std::string& path) {
    void* library = ::dlopen(path.c_str(), RTLD_LOCAL | RTLD_NOW | RTLD_NODELETE);
    if (!library) {
        const char* why = ::dlerror();
        return failure("cannot load " + path + ": " + (why ? why : "no reason is known"));
    }
    const auto* found = static_cast<const Plugin*>(::dlsym(library, "mpsup_tls_plugin"));
    if (!found || found->magic != Plugin::expected_magic) return failure(path + " is no TLS plugin of mpsup");
    constexpr std::size_t longest_version = 32;
    const auto build = std::string(std::string_view(found->build ? found->build : "?").substr(0, longest_version));
    if (found->api != Plugin::expected_api || build != MPSUP_VERSION)
        return failure(path + " belongs to mpsup " + build +
                       ", this is mpsup " MPSUP_VERSION "; install the two together");
    return found;
}

} // namespace mpsup::tls
