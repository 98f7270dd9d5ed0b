#include "supervisor/transport/tls_loader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace mpsup::tls {
namespace {

// Another library under that name.
std::string false_plugin(const std::string& name, const std::string& source) {
    const std::string path = testing::TempDir() + "/" + name;
    std::ofstream(path + ".c") << source;
    EXPECT_EQ(std::system(("cc -shared -fPIC -o " + path + ".so " + path + ".c").c_str()), 0); // NOLINT
    return path + ".so";
}

TEST(TlsLoader, LoadsThePluginOfThisVersion) {
    const auto plugin = load_plugin(MPSUP_TLS_PLUGIN);
    ASSERT_TRUE(plugin) << plugin.error().to_string();
    EXPECT_STREQ((*plugin)->build, MPSUP_VERSION);
    EXPECT_EQ(load_plugin(MPSUP_TLS_PLUGIN).value(), *plugin) << "as often as one likes";
}

TEST(TlsLoader, RefusesWhatIsNone) {
    EXPECT_TRUE(load_plugin("/none/tls.so").error().what.contains("cannot load /none/tls.so"));
    EXPECT_TRUE(load_plugin(false_plugin("empty", "int x;")).error().what.ends_with("is no TLS plugin of mpsup"));
    EXPECT_TRUE(load_plugin(false_plugin("zero", "const int mpsup_tls_plugin[20];"))
                    .error()
                    .what.ends_with("is no TLS plugin of mpsup"));
    const std::string of_another = R"(struct { unsigned magic, api; const char* build; void *a, *b; }
        const mpsup_tls_plugin = {0x6d707473, 1, "9.8.7", 0, 0};)";
    EXPECT_TRUE(
        load_plugin(false_plugin("another", of_another))
            .error()
            .what.ends_with("belongs to mpsup 9.8.7, this is mpsup " MPSUP_VERSION "; install the two together"));
}

} // namespace
} // namespace mpsup::tls
