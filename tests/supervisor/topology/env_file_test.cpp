#include "supervisor/topology/env_file.h"

#include "site_folder.h"
#include "supervisor/topology/key_origin.h"
#include "supervisor/topology/resolve.h"

namespace mpsup::topology {
namespace {

std::optional<std::string> caller(const std::string& name) {
    return name == "CALLER" ? std::optional<std::string>("caller's") : std::nullopt;
}

// "NAME=<value>", a line each, then what is wrong: "line:column message".
std::string said(std::string_view text) {
    const EnvFile file = read_env_file(text, caller, 3);
    std::string result;
    for (const auto& [name, mark, value] : file.variables->entries) {
        EXPECT_EQ(mark.file, 3);
        EXPECT_EQ(value->mark.file, 3);
        result += name + "=<" + (value->fault ? "fault: " + value->fault->message : value->text) + ">\n";
    }
    for (const auto& [mark, key, message, suggestion, is_warning, code] : file.findings)
        result += std::to_string(mark.line) + ":" + std::to_string(mark.column) + " " + message + "\n";
    return result;
}

TEST(EnvFile, HasALineForEachVariable) {
    EXPECT_EQ(said("A=1\n\n# a comment\n  # another\nexport B=2\nC = 3\r\nD=\n"), "A=<1>\nB=<2>\nC=<3>\nD=<>\n");
    EXPECT_EQ(said("\xEF\xBB\xBF"
                   "A=1"),
              "A=<1>\n");
    EXPECT_EQ(said(""), "");
    EXPECT_EQ(said("export=1\nexport  A=2\n"), "export=<1>\nA=<2>\n");
}

TEST(EnvFile, TakesAnUnquotedValueAsItStands) {
    EXPECT_EQ(said("A= b c \t\n"), "A=<b c>\n");
    EXPECT_EQ(said("A=b # c\nB=b#c\nC= # c\nD=#c\n"), "A=<b>\nB=<b#c>\nC=<>\nD=<#c>\n");
    EXPECT_EQ(said(R"(A=it's "so" \n=x)"), "A=<it's \"so\" \\n=x>\n");
    EXPECT_EQ(said("A=b\\\nB=c\n"),
              "B=<c>\n1:4 a backslash at the end of a line: a value does not go on in the next one\n");
}

TEST(EnvFile, TakesSingleQuotesLiterally) {
    EXPECT_EQ(said(R"(A=' \n ${CALLER} $$ " # ' # c)"), "A=< \\n ${CALLER} $$ \" # >\n");
    EXPECT_EQ(said("A='b\nc'\nB=1\n"), "A=<b\nc>\nB=<1>\n");
}

TEST(EnvFile, KnowsTheEscapesOfDoubleQuotes) {
    EXPECT_EQ(said(R"(A="a\nb\tc\rd\\e\"f\$g")"), "A=<a\nb\tc\rd\\e\"f$g>\n");
    EXPECT_EQ(said("A=\"b\r\nc\"\nB=1\n"), "A=<b\nc>\nB=<1>\n");
    EXPECT_EQ(said(R"(A="\$${CALLER}\\${CALLER}")"), "A=<$caller's\\caller's>\n");
    EXPECT_EQ(said("A=\"\\x\"\nB=1\n"), "B=<1>\n1:4 an unknown escape: \\n \\r \\t \\\\ \\\" \\$ are known\n");
}

TEST(EnvFile, PutsVariablesIntoValuesThatAreNotLiteral) {
    EXPECT_EQ(said("A=x${CALLER}y\nB=\"${CALLER}\"\nC=${NONE:-none}\nD=$$5\n"),
              "A=<xcaller'sy>\nB=<caller's>\nC=<none>\nD=<$5>\n");
    EXPECT_EQ(said("A=1\nB=${A}2\nC=${B}3\n"), "A=<1>\nB=<12>\nC=<123>\n") << "of lines before";
    EXPECT_EQ(said("CALLER=file\nA=${CALLER}\n"), "CALLER=<file>\nA=<caller's>\n") << "the environment counts more";
    EXPECT_EQ(said("A=${B}\nB=1\nC=a$b\n"), "A=<fault: the variable `B` is not set>\nB=<1>\n"
                                            "C=<fault: `$b`: a variable has braces>\n");
}

TEST(EnvFile, TellsAFaultAtItsPlace) {
    const EnvFile file = read_env_file("A=1\nB = x${NONE}\nC=\"y${NONE}\"\n", caller, 2);
    EXPECT_EQ(file.variables->entries[1].value->fault->mark, (Mark{2, 6, 2}));
    EXPECT_EQ(file.variables->entries[2].value->fault->mark, (Mark{3, 5, 2}));
}

TEST(EnvFile, RefusesWhatIsNoVariableAndReadsOn) {
    EXPECT_EQ(said("A\nB=1\n  export C\n=x\nD E=1\n: 5\nF: 6\nG=2\n"),
              "B=<1>\nG=<2>\n1:1 `A` has no `=` behind it\n3:10 `C` has no `=` behind it\n4:1 there is no name before "
              "the `=`\n"
              "5:1 `D` has no `=` behind it\n6:1 `:` has no `=` behind it\n7:1 `F:` has no `=` behind it\n");
    EXPECT_EQ(said("A='b' c\nB=\"b\"c\nC='d' # e\nD='d'#e\n"),
              "C=<d>\n1:7 something behind the closing quote\n2:6 something behind the closing quote\n"
              "4:6 something behind the closing quote\n");
    EXPECT_EQ(said("A=1\nA=2\n"), "A=<1>\n2:1 `A` stands twice, first at line 1\n");
    EXPECT_EQ(said("A=1\n B='b\nC=2\n"), "A=<1>\n2:4 this quote is never closed\n");
    EXPECT_EQ(said("A=\"b"), "1:3 this quote is never closed\n");
    EXPECT_EQ(said("A=\"b\\"),
              "1:5 an unknown escape: \\n \\r \\t \\\\ \\\" \\$ are known\n1:3 this quote is never closed\n");
}

TEST(EnvFile, IsText) {
    EXPECT_EQ(said(std::string_view("A=1\nB=\0\n", 8)), "2:3 a control character\n");
    EXPECT_EQ(said("A=\rB\n"), "1:3 a control character\n");
    EXPECT_EQ(said("A=1\nB=\xFF\n"), "2:1 not valid UTF-8\n");
}

TEST(EnvFile, IsBounded) {
    std::string many;
    for (std::size_t i = 0; i <= max_env_variables; ++i) many += "A" + std::to_string(i) + "=\n";
    EXPECT_TRUE(said(many).ends_with("4097:1 more than 4096 variables in one file\n"));
    std::string doubled = "A0=" + std::string(60'000, 'x') + "\n";
    for (int i = 1; i < 100; ++i) doubled += "A" + std::to_string(i) + "=${A0}\n";
    EXPECT_TRUE(said(doubled).ends_with("values of more than 4MiB in all\n"));
}

class EnvFiles : public SiteFolder {
protected:
    [[nodiscard]] std::expected<Loaded, Problems> files(const std::vector<std::string>& names) const {
        std::vector<std::string> paths;
        for (const auto& name : names) paths.push_back(path(name));
        return load_files(paths, {}, caller);
    }
    [[nodiscard]] std::string refusal(const std::string& keys) {
        write("site.yaml", static_worker(keys));
        const auto loaded = files({"site.yaml"});
        if (loaded) return "loaded";
        std::string text = format_problems(loaded.error());
        for (auto at = text.find(folder_.string()); at != std::string::npos; at = text.find(folder_.string()))
            text.erase(at, folder_.string().size() + 1);
        return text;
    }
};

TEST_F(EnvFiles, LaterOnesCountMoreAndEnvMost) {
    write("one.env", "A=one\nB=one\nC=one\n");
    write("two.env", "B=two\nC=two\nD=two\n");
    write("site.yaml", static_worker("env_file: [one.env, two.env], env: {C: own, E: own}"));
    const auto loaded = files({"site.yaml"});
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->topology.workers[0].env,
              (Environment{{"A", {"one"}}, {"B", {"two"}}, {"C", {"own"}}, {"D", {"two"}}, {"E", {"own"}}}));
    EXPECT_FALSE(to_document(loaded->topology).contains("env_file"));
    const auto origin = [&](const std::string& name) {
        const auto mark = origin_of(*loaded->root, {"workers", "w", "env", name}).value_or(Mark{});
        return std::filesystem::path(loaded->files.at(static_cast<std::size_t>(mark.file))).filename().string() + ":" +
               std::to_string(mark.line);
    };
    EXPECT_EQ(origin("A"), "one.env:1");
    EXPECT_EQ(origin("D"), "two.env:3");
    EXPECT_EQ(origin("C"), "site.yaml:4");
}

TEST_F(EnvFiles, ArePathsOfTheFileThatSaysThem) {
    std::filesystem::create_directory(folder_ / "sub");
    write("sub/a.env", "A=sub\n");
    write("sub/base.yaml", "workers: {w: {env_file: a.env}}\n");
    write("site.yaml", "include: sub/base.yaml\n" + static_worker("env: {}"));
    const auto loaded = files({"site.yaml"});
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->topology.workers[0].env, (Environment{{"A", {"sub"}}}));
    EXPECT_EQ(loaded->files.size(), 3U);
}

TEST_F(EnvFiles, MistakesAreSaidAtTheirPlaceInThem) {
    write("a.env", "A=1\n  B\n1C=2\nD=${NONE}\nMPSUP_X=1\n");
    const auto text = refusal("env_file: a.env, rot: 1");
    EXPECT_TRUE(text.contains("a.env:2:3: error: `B` has no `=` behind it\n      B\n      ^\n    NAME=value")) << text;
    EXPECT_TRUE(text.contains("a.env:3:1: error: `1C` is no name of a variable")) << text;
    EXPECT_TRUE(text.contains("a.env:4:3: error: the variable `NONE` is not set")) << text;
    EXPECT_TRUE(text.contains("a.env:5:1: error: `MPSUP_X`: names with MPSUP_")) << text;
    EXPECT_TRUE(text.contains("site.yaml:4:18: error: unknown key `rot`")) << "and the others with them: " << text;
}

TEST_F(EnvFiles, ThatCannotBeReadAreSaidWhereTheyAreNamed) {
    EXPECT_TRUE(
        refusal("env_file: [none.env]").starts_with("site.yaml:4:12: error: `none.env`: there is no such file"));
    EXPECT_TRUE(refusal("env_file: htdocs").starts_with("site.yaml:4:11: error: `htdocs`: is a folder"));
    EXPECT_TRUE(
        refusal("env_file: {a: b}").starts_with("site.yaml:4:11: error: `env_file` must be the path of a file"));
    EXPECT_TRUE(
        refusal("env_file: '${NONE}.env'").starts_with("site.yaml:4:12: error: the variable `NONE` is not set"));
    write("large.env", std::string(600'000, '#'));
    EXPECT_TRUE(refusal("env_file: large.env").contains("larger than 512KiB; is this an env_file?"));
    if (::geteuid() == 0) {
        std::filesystem::permissions(write("open.env", "A=1\n"), std::filesystem::perms(0666));
        EXPECT_TRUE(refusal("env_file: open.env").contains("`open.env`: everybody may write this file"));
    }
}

TEST_F(EnvFiles, OfManyWorkersAreReadOnce) {
    write("a.env", "A=1\n");
    std::string text = "site: s\nworkers:\n";
    for (int i = 0; i < 100; ++i)
        text += "  w" + std::to_string(i) +
                ": {kind: static, root: htdocs, env_file: a.env, listen: 127.0.0.1:" + std::to_string(8000 + i) + "}\n";
    write("site.yaml", text);
    const auto loaded = files({"site.yaml"});
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->files.size(), 2U);
    write("a.env", "A=" + std::string(60'000, 'x') + "\n");
    const auto refused = files({"site.yaml"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error()[0].message, "variables of more than 4MiB in all");
}

TEST_F(EnvFiles, StandBesideAnIncludeCycle) {
    write("a.env", "A\n");
    write("a.yaml", "include: b.yaml\nworkers: {w: {env_file: a.env}}\n");
    write("b.yaml", "include: a.yaml\nworkers: {w: {env_file: a.env}}\n");
    const auto refused = files({"a.yaml"});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error()[0].message.starts_with("an include cycle")) << "the first thing that is wrong";
}

TEST_F(EnvFiles, AreForFilesAlone) {
    EXPECT_FALSE(from_document(R"({"version":1,"site":"s","workers":{"w":{"kind":"static","listen":"127.0.0.1:1",)"
                               R"("root":"/r","env_file":"/a.env"}}})"));
}

} // namespace
} // namespace mpsup::topology
