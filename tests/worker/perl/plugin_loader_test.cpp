#include "worker/perl/plugin_loader.h"

#include <gtest/gtest.h>

namespace mpsup::perl {
namespace {

std::string fake(const std::string& name) { return MPSUP_FAKE_PLUGINS "/fake_" + name + ".so"; }

// Why a plug-in is refused.
std::string refusal(const std::string& path) {
    const auto engine = load_plugin(path);
    return engine ? "it was taken" : engine.error().what;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PluginLoader, LoadsTheEngineOfThisBuild) {
    const auto engine = load_plugin(MPSUP_PERL_SO);
    ASSERT_TRUE(engine) << engine.error().to_string();
    EXPECT_EQ((*engine)->describe(), "perl " MPSUP_PERL_VERSION);
    EXPECT_EQ(load_plugin(MPSUP_PERL_SO).value(), *engine);
}

TEST(PluginLoader, NamesAFileThatIsNotThere) {
    const std::string why = refusal("/nonexistent/perl.so");
    EXPECT_TRUE(contains(why, "cannot load /nonexistent/perl.so")) << why;
    EXPECT_TRUE(contains(why, "No such file")) << why;
}

TEST(PluginLoader, RefusesWhatIsNoEngine) {
    for (const char* name : {"symbol", "magic"})
        EXPECT_EQ(refusal(fake(name)), fake(name) + " is no Perl engine of mpsup");
}

TEST(PluginLoader, RefusesAnotherInterface) {
    EXPECT_EQ(refusal(fake("api")), fake("api") + " belongs to mpsup " MPSUP_VERSION
                                                  " (engine API 99), this is mpsup " MPSUP_VERSION
                                                  " (engine API 2); install the two together");
}

TEST(PluginLoader, RefusesAnotherVersionOfMpsup) {
    EXPECT_EQ(refusal(fake("build")), fake("build") +
                                          " belongs to mpsup 0.0.7 (engine API 2), this is mpsup " MPSUP_VERSION
                                          " (engine API 2); install the two together");
}

TEST(PluginLoader, RefusesAnotherPerl) {
    const std::string why = refusal(fake("perl"));
    EXPECT_TRUE(contains(why, fake("perl") + " is built for perl 5.8.9, but ")) << why;
    EXPECT_TRUE(contains(why, " is perl " MPSUP_PERL_VERSION "; build mpsup again for this perl")) << why;
}

TEST(PluginLoader, CutsAVersionThatIsNone) {
    const std::string why = refusal(fake("long"));
    EXPECT_TRUE(contains(why, "belongs to mpsup " + std::string(32, 'x') + " (engine")) << why;
}

} // namespace
} // namespace mpsup::perl
