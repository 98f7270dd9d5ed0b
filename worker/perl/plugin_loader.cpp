#include "worker/perl/plugin_loader.h"

#include "worker/perl/plugin.h"

#include <dlfcn.h>
#include <string_view>

namespace mpsup::perl {

namespace {

constexpr std::size_t longest_version = 32;

Result<void*> open_library(const std::string& name, int flags) {
    if (void* library = ::dlopen(name.c_str(), flags | RTLD_NOW | RTLD_NODELETE)) return library;
    const char* why = ::dlerror();
    return failure("cannot load " + name + ": " + (why ? why : "no reason is known"));
}

// Of the libperl that was opened: its own constants.
std::string version_of(void* libperl) {
    const auto number = [&](const char* name) {
        const auto* value = static_cast<const char*>(::dlsym(libperl, name));
        return value ? std::to_string(static_cast<int>(*value)) : "?";
    };
    return number("PL_revision") + "." + number("PL_version") + "." + number("PL_subversion");
}

// Within 5.36 the binary interface stays.
std::string series_of(const std::string& version) { return version.substr(0, version.rfind('.')); }

std::string text_of(const char* text) {
    return text ? std::string(std::string_view(text).substr(0, longest_version)) : "?";
}

} // namespace

Result<Engine*> load_plugin(const std::string& plugin) {
    const auto libperl = open_library(MPSUP_LIBPERL, RTLD_GLOBAL);
    if (!libperl) return std::unexpected(libperl.error());
    const auto library = open_library(plugin, RTLD_LOCAL);
    if (!library) return std::unexpected(library.error());
    const auto* found = static_cast<const Plugin*>(::dlsym(*library, "mpsup_perl_plugin"));
    if (!found || found->magic != Plugin::expected_magic) return failure(plugin + " is no Perl engine of mpsup");
    if (found->api != Plugin::expected_api || text_of(found->build) != MPSUP_VERSION)
        return failure(plugin + " belongs to mpsup " + text_of(found->build) + " (engine API " +
                       std::to_string(found->api) + "), this is mpsup " MPSUP_VERSION " (engine API " +
                       std::to_string(Plugin::expected_api) + "); install the two together");
    const std::string running = version_of(*libperl);
    if (series_of(text_of(found->perl_version)) != series_of(running))
        return failure(plugin + " is built for perl " + text_of(found->perl_version) +
                       ", but " MPSUP_LIBPERL " is perl " + running + "; build mpsup again for this perl");
    return &found->engine();
}

} // namespace mpsup::perl
