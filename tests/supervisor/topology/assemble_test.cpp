#include "site_folder.h"
#include "supervisor/topology/assemble.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/yaml_reader.h"

namespace mpsup::topology {
namespace {

class Including : public SiteFolder {
protected:
    [[nodiscard]] std::string files(const std::vector<std::string>& names) const {
        std::vector<std::string> paths;
        for (const auto& name : names) paths.push_back(path(name));
        const auto loaded = load_files(paths);
        if (loaded) return to_document(loaded->topology);
        std::string text = format_problems(loaded.error());
        for (auto at = text.find(folder_.string() + "/"); at != std::string::npos;
             at = text.find(folder_.string() + "/"))
            text.erase(at, folder_.string().size() + 1);
        return text;
    }
    std::string base = "site: s\nworkers:\n  w: {kind: dynamic, listen: 127.0.0.1:8081, app: app.psgi,\n"
                       "    env: {A: base, B: base}, warmup: [/1, /2], pool: 3}\n";
};

TEST_F(Including, MergesMapsAndReplacesAllElse) {
    write("base.yaml", base);
    write("site.yaml", "include: base.yaml\nworkers: {w: {env: {B: over, C: over}, warmup: /3, pool: {min: 1}}}\n");
    const auto text = files({"site.yaml"});
    EXPECT_TRUE(text.contains(R"("env":{"A":"base","B":"over","C":"over"})")) << text;
    EXPECT_TRUE(text.contains(R"("warmup":["/3"])")) << text;
    EXPECT_FALSE(text.contains(R"("size":3)")) << text;
    EXPECT_FALSE(text.contains("include")) << text;
}

TEST_F(Including, ALaterFileCountsMore) {
    write("a.yaml", base);
    write("b.yaml", "workers: {w: {pool: 4}}\n");
    write("c.yaml", "workers: {w: {pool: 5}}\n");
    EXPECT_TRUE(files({"a.yaml", "b.yaml", "c.yaml"}).contains(R"("size":5)"));
    write("list.yaml", "include: [a.yaml, c.yaml, b.yaml]\n");
    EXPECT_TRUE(files({"list.yaml"}).contains(R"("size":4)"));
}

TEST_F(Including, PathsStartFromTheFileThatSaysThem) {
    std::filesystem::create_directory(folder_ / "sub");
    write("sub/app.psgi", "1\n");
    write("sub/base.yaml", base);
    write("site.yaml", "include: sub/base.yaml\n");
    EXPECT_TRUE(files({"site.yaml"}).contains(path("sub/app.psgi")));
}

TEST_F(Including, MistakesAreSaidAtTheirPlaceInTheirFile) {
    write("base.yaml", base + "    # and\n  v: {kind: static, listen: 127.0.0.1:8081, root: htdocs}\n");
    write("site.yaml", "include: base.yaml\nworkers: {w: {pol: 4, pool: many}}\n");
    const auto text = files({"site.yaml"});
    EXPECT_TRUE(text.contains("site.yaml:2:15: error: unknown key `pol`\n    workers: {w: {pol: 4")) << text;
    EXPECT_TRUE(text.contains("site.yaml:2:29: error: `pool` must be")) << text;
    EXPECT_TRUE(text.contains("base.yaml:6:29: error: 127.0.0.1:8081 is taken by `w` (127.0.0.1:8081, line 3)"))
        << text;
}

TEST_F(Including, DuplicatesAreFoundInEachFile) {
    write("base.yaml", base + "site: t\n");
    write("site.yaml", "include: base.yaml\nsite: u\nsite: v\n");
    const auto text = files({"site.yaml"});
    EXPECT_TRUE(text.contains("base.yaml:5:1: error: duplicate key `site`, first at line 1")) << text;
    EXPECT_TRUE(text.contains("site.yaml:3:1: error: duplicate key `site`, first at line 2")) << text;
}

TEST_F(Including, ACycleIsToldWithItsChain) {
    write("a.yaml", "include: b.yaml\n" + base);
    write("b.yaml", "site: b\ninclude: [c.yaml]\n");
    write("c.yaml", "include: ./a.yaml\n");
    const auto text = files({"a.yaml"});
    EXPECT_TRUE(
        text.starts_with("c.yaml:1:10: error: an include cycle: a.yaml:1:10 → b.yaml:2:11 → c.yaml:1:10 → ./a.yaml"))
        << text;
    write("self.yaml", "include: self.yaml\n");
    EXPECT_TRUE(files({"self.yaml"}).contains("self.yaml:1:10: error: an include cycle: self.yaml:1:10 → self.yaml"));
}

TEST_F(Including, IsBoundedInDepthAndNumber) {
    for (int i = 0; i < 1000; ++i)
        write("d" + std::to_string(i) + ".yaml", "include: d" + std::to_string(i + 1) + ".yaml\n");
    EXPECT_TRUE(files({"d0.yaml"}).contains("d16.yaml:1:10: error: files included deeper than 16 levels"));
    for (int i = 0; i < 10; ++i) {
        const std::string next = "e" + std::to_string(i + 1) + ".yaml";
        write("e" + std::to_string(i) + ".yaml", "include: [" + next + ", " + next + "]\n");
    }
    write("e10.yaml", base);
    EXPECT_TRUE(files({"e0.yaml"}).contains("more than 64 files"));
}

TEST_F(Including, WhatCannotBeReadIsSaidWhereItIsNamed) {
    write("site.yaml", "include: [none.yaml]\n" + base);
    EXPECT_TRUE(files({"site.yaml"}).starts_with("site.yaml:1:11: error: `none.yaml`: there is no such file"));
    write("site.yaml", "include: {a: b}\n" + base);
    EXPECT_TRUE(files({"site.yaml"}).starts_with("site.yaml:1:10: error: `include` must be the path of a file"));
    write("bad.yaml", "a: [\n");
    write("site.yaml", "include: bad.yaml\n" + base);
    EXPECT_TRUE(files({"site.yaml"}).starts_with("bad.yaml:"));
    write("site.yaml", "include: '${MPSUP_NOT_SET}.yaml'\n" + base);
    EXPECT_TRUE(files({"site.yaml"}).starts_with("site.yaml:1:11: error: the variable `MPSUP_NOT_SET` is not set"));
}

TEST_F(Including, IsForFilesAlone) {
    EXPECT_FALSE(from_document(R"({"version":1,"site":"s","include":["a"],"workers":{}})"));
}

} // namespace
} // namespace mpsup::topology
