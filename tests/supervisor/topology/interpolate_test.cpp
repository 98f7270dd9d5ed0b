#include "supervisor/topology/interpolate.h"

#include "site_folder.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/yaml_reader.h"

namespace mpsup::topology {
namespace {

using Set = std::map<std::string, std::string>;

Variables from(const Set& set) {
    return [set](const std::string& name) {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    };
}

// What becomes of a value in double quotes; "line:column message (remedy)" when it cannot be had.
std::string expand(const std::string& value, const Set& set = {}) {
    const std::string text = "k: '" + value + "'\n";
    const auto root = read_yaml(text);
    if (!root) return root.error().message;
    const NodePtr done = interpolate(*root, text, from(set));
    const Node& node = *done->entries.at(0).value;
    if (!node.fault) return node.text;
    return std::to_string(node.fault->mark.line) + ":" + std::to_string(node.fault->mark.column) + " " +
           node.fault->message + " (" + node.fault->suggestion + ")";
}

TEST(Interpolation, PutsInWhatIsSet) {
    EXPECT_EQ(expand("a${A}b${A}", {{"A", "1"}}), "a1b1");
    EXPECT_EQ(expand("${A}", {{"A", ""}}), "");
    EXPECT_EQ(expand("${_a9}", {{"_a9", "${A} $$"}}), "${A} $$"); // once only
}

TEST(Interpolation, TakesDefaultsForWhatIsNotSetOrEmpty) {
    EXPECT_EQ(expand("${A:-d}"), "d");
    EXPECT_EQ(expand("${A:-d}", {{"A", ""}}), "d");
    EXPECT_EQ(expand("${A-d}", {{"A", ""}}), "");
    EXPECT_EQ(expand("${A-d}"), "d");
    EXPECT_EQ(expand("${A:-d}", {{"A", "1"}}), "1");
    EXPECT_EQ(expand("${A:-}"), "");
    EXPECT_EQ(expand("${A:-${B:-$$c}}x"), "$cx");
    EXPECT_EQ(expand("${A:-${B}}", {{"A", "1"}}), "1"); // nobody asks for B
}

TEST(Interpolation, PutsInOtherTextForWhatIsSet) {
    EXPECT_EQ(expand("${A:+x}", {{"A", "1"}}), "x");
    EXPECT_EQ(expand("${A:+x}", {{"A", ""}}), "");
    EXPECT_EQ(expand("${A+x}", {{"A", ""}}), "x");
    EXPECT_EQ(expand("a${A+${B}}"), "a");
}

TEST(Interpolation, LeavesOtherDollarsAlone) {
    EXPECT_EQ(expand("$$"), "$");
    EXPECT_EQ(expand("$${A}"), "${A}");
    EXPECT_EQ(expand("^/x$|$1 5$"), "^/x$|$1 5$");
}

TEST(Interpolation, SaysWhereAVariableIsMissingAndWhatToDo) {
    EXPECT_EQ(expand("ab${A}"),
              "1:7 the variable `A` is not set (set it in the environment of this command, or write a "
              "default: ${A:-…})");
    EXPECT_EQ(expand("${A:?which database}"),
              "1:5 the variable `A`: which database (set it in the environment of this command: A=… mpsup …)");
    EXPECT_EQ(expand("${A?}"),
              "1:5 the variable `A` is not set (set it in the environment of this command: A=… mpsup …)");
    EXPECT_EQ(expand("${A:?no}", {{"A", "1"}}), "1");
    EXPECT_TRUE(expand("${A}", {{"A", "\xFF"}}).starts_with("1:5 the variable `A` is not valid UTF-8"));
}

TEST(Interpolation, RefusesWhatIsNoVariable) {
    EXPECT_TRUE(expand("x$HOME").starts_with("1:6 `$HOME`: a variable has braces (`${HOME}`, or `$$HOME`"));
    EXPECT_TRUE(expand("${}").starts_with("1:5 `${` without the name"));
    EXPECT_TRUE(expand("${1}").starts_with("1:5 `${` without the name"));
    EXPECT_TRUE(expand("${A").starts_with("1:5 `${` is never closed"));
    EXPECT_TRUE(expand("${A:-x").starts_with("1:5 `${` is never closed"));
    EXPECT_TRUE(expand("${A:}").starts_with("1:5 `${A` goes on with something unknown (${NAME}"));
    EXPECT_TRUE(expand("${A/x/y}").starts_with("1:5 `${A` goes on"));
}

TEST(Interpolation, IsBounded) {
    std::string deep = "x";
    for (int i = 0; i <= max_nested_variables; ++i) deep = "${A:-" + deep + "}";
    EXPECT_TRUE(expand(deep).contains("nested deeper than 16 levels"));
    std::string many;
    for (int i = 0; i < 100; ++i) many += "${A}";
    EXPECT_TRUE(expand(many, {{"A", std::string(1000, 'x')}}).contains("a value of more than 64KiB"));
    std::string list;
    for (int i = 0; i < 100; ++i) list += "- ${A}\n";
    const auto root = read_yaml(list);
    const NodePtr done = interpolate(*root, list, from({{"A", std::string(60'000, 'x')}}));
    EXPECT_FALSE(done->items.front()->fault);
    EXPECT_TRUE(done->items.back()->fault);
}

class Variabled : public SiteFolder {
protected:
    [[nodiscard]] std::string findings(const std::string& yaml, const Set& set) const {
        const auto loaded = load_text(yaml, "site.yaml", folder_, {}, from(set));
        return loaded ? to_document(loaded->topology) : format_problems(loaded.error());
    }
};

TEST_F(Variabled, TopologyIsStoredResolved) {
    const std::string yaml = dynamic_worker("env: {A: '${COLOUR}$${x}'}, pool: '${N:-3}'");
    const auto text = findings(yaml, {{"COLOUR", "red"}});
    EXPECT_TRUE(text.contains(R"("A":"red${x}")")) << text;
    EXPECT_TRUE(text.contains(R"("size":3)")) << text;
    EXPECT_TRUE(from_document(text));
}

TEST_F(Variabled, EveryMistakeIsSaidAtOnceAtItsPlace) {
    const std::string yaml = dynamic_worker("env: {A: '${ONE}', B: \"x${TWO}\"},\npool: '${N}'");
    const auto text = findings(yaml, {{"N", "many"}});
    EXPECT_TRUE(text.contains("site.yaml:4:11: error: the variable `ONE` is not set")) << text;
    EXPECT_TRUE(text.contains("site.yaml:4:25: error: the variable `TWO` is not set")) << text;
    EXPECT_TRUE(text.contains("site.yaml:5:7: error: `pool` must be a whole number from 1 to 1000; found `many`"))
        << text;
}

TEST_F(Variabled, WhatIsIgnoredNeedsNoVariables) {
    EXPECT_FALSE(findings("x-a: '${NO}'\n" + dynamic_worker("pool: 1"), {}).contains("error"));
}

TEST_F(Variabled, AnAliasIsExpandedToo) {
    EXPECT_TRUE(findings("x-a: &a ['/${P}']\n" + dynamic_worker("warmup: *a"), {{"P", "up"}}).contains("/up"));
}

TEST_F(Variabled, BracesInFlowNeedQuotesAndThatIsSaid) {
    const auto text = findings(dynamic_worker("env: {A: ${B}}"), {{"B", "1"}});
    EXPECT_TRUE(text.contains("site.yaml:4:")) << text;
    EXPECT_TRUE(text.contains("quotes: \"${")) << text;
}

} // namespace
} // namespace mpsup::topology
