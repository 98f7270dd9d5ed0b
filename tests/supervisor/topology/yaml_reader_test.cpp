#include "supervisor/topology/yaml_reader.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

/// The tree in one line: scalars as they are, ~ for nothing.
std::string show(const Node& node) {
    std::string text;
    switch (node.type) {
    case Node::Type::null: return "~";
    case Node::Type::scalar: return node.text;
    case Node::Type::sequence:
        for (const auto& item : node.items) text += (text.empty() ? "" : " ") + show(*item);
        return "[" + text + "]";
    case Node::Type::map:
        for (const auto& entry : node.entries) text += (text.empty() ? "" : " ") + entry.key + "=" + show(*entry.value);
        return "{" + text + "}";
    }
    return {};
}

std::string read(std::string_view yaml) {
    const auto root = read_yaml(yaml);
    if (root) return show(**root);
    return std::to_string(root.error().mark.line) + ":" + std::to_string(root.error().mark.column) + " " +
           root.error().message;
}

TEST(YamlReader, KeepsScalarsAsText) {
    EXPECT_EQ(read("a: 012\nb: no\nc: 'x'\nd:\ne: [1e3, ~]\nf: |\n  two\n  lines\n"),
              "{a=012 b=no c=x d=~ e=[1e3 ~] f=two\nlines\n}");
    EXPECT_EQ(read("\xEF\xBB\xBF"
                   "a: 1\n"),
              "{a=1}");
    EXPECT_EQ(read("# note\n---\na: 1\n...\n"), "{a=1}");
}

TEST(YamlReader, KeepsDuplicateKeysAndTheirPlaces) {
    const auto root = read_yaml("a: 1\n\na:  2\n");
    ASSERT_TRUE(root);
    ASSERT_EQ((*root)->entries.size(), 2U);
    EXPECT_EQ((*root)->entries[1].key_mark, (Mark{3, 1}));
    EXPECT_EQ((*root)->entries[1].value->mark, (Mark{3, 5}));
}

TEST(YamlReader, SharesWhatAnAliasNames) {
    EXPECT_EQ(read("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n"), "{a={b=[1 2]} c={b=[1 2]} d=[{b=[1 2]} {b=[1 2]}]}");
    EXPECT_EQ(read("a: &x key\n*x : value\n"), "{a=key key=value}");
    EXPECT_EQ(read("a: &x [1]\n*x : value\n"), "2:1 a key must be plain text");
    EXPECT_EQ(read("a: &x ~\nb: *x\n"), "{a=~ b=~}");
}

TEST(YamlReader, RefusesAliasesOfThemselves) {
    EXPECT_EQ(read("a: &x [*x]\n"), "1:8 this alias contains itself");
    EXPECT_EQ(read("a: &x {b: {c: *x}}\n"), "1:15 this alias contains itself");
}

TEST(YamlReader, TakesAQuotedMergeKeyForAKey) {
    EXPECT_EQ(read("'<<': 1\n"), "{<<=1}");
    EXPECT_EQ(read("a: <<\n"), "{a=<<}");
    EXPECT_EQ(read("<<: {a: 1}\n"), "1:1 merge keys (<<) are not taken; write the keys out, or alias a whole value");
}

TEST(YamlReader, RefusesTagsOfEveryKind) {
    EXPECT_EQ(read("a: !x 1\n"), "1:4 tags are not taken: !x");
    EXPECT_EQ(read("a: !!map {}\n"), "1:4 tags are not taken: tag:yaml.org,2002:map");
    EXPECT_EQ(read("a: ! 1\n"), "{a=1}");
}

TEST(YamlReader, SaysWhereItIsNoYaml) {
    EXPECT_EQ(read("a: [1, 2\nb: 3\n").substr(0, 4), "2:2 ");
    EXPECT_EQ(read("a: 'x\n"), "1:4 this quote is never closed");
    EXPECT_EQ(read("a: 'it''s'\nb: &q 'x''\n"), "2:4 this quote is never closed");
    EXPECT_EQ(read("a: \"x\\\"\n"), "1:4 this quote is never closed");
    EXPECT_EQ(read("ä: \"ö\\\"\"\nb: 'it''s'\nc: &q ! \"x\"\n"), "{ä=ö\" b=it's c=x}");
    EXPECT_EQ(read("# only\n"), "0:0 the file says nothing");
}

TEST(YamlReader, CountsLinesOfWindowsFiles) { EXPECT_EQ(read("a: 1\r\nb: !x 2\r\n"), "2:4 tags are not taken: !x"); }

} // namespace
} // namespace mpsup::topology
