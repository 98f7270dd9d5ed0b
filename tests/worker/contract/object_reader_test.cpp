#include "worker/contract/object_reader.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

enum class Colour { red, green };
constexpr Name<Colour> colours[] = {{Colour::red, "red"}, {Colour::green, "green"}};

json::object object(std::string_view text) { return json::parse(text).as_object(); }

TEST(ObjectReaderTest, ReadsWhatIsThereAndHasNoProblem) {
    const auto read =
        object(R"({"n":7,"t":"x","f":true,"l":["a","b"],"c":"green","cs":["red","green"],"d":1500,"pid":12})");
    ObjectReader in(read);
    EXPECT_EQ(in.number("n", 0, 10), 7);
    EXPECT_EQ(in.text("t"), "x");
    EXPECT_TRUE(in.flag("f"));
    EXPECT_EQ(in.texts("l"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(in.choice("c", colours), Colour::green);
    EXPECT_EQ(in.choices("cs", colours), (std::vector{Colour::red, Colour::green}));
    EXPECT_EQ(in.duration("d"), 1500ms);
    EXPECT_EQ(in.pid(), 12);
    EXPECT_EQ(in.problem(), "");
}

TEST(ObjectReaderTest, RemembersTheFirstProblemOnly) {
    const auto read = object(R"({"n":11})");
    ObjectReader in(read);
    EXPECT_EQ(in.number("n", 2, 10), 2);
    EXPECT_EQ(in.text("t"), "");
    EXPECT_EQ(in.problem(), R"(missing or bad "n")");
}

TEST(ObjectReaderTest, ABadMemberIsAProblemWhateverItsKind) {
    const auto read = object(R"({"n":"7","t":7,"f":1,"l":["a",2],"c":"blue","d":86400001,"pid":0,"k":-1,"o":[]})");
    const auto problem_of = [&](auto reads) {
        ObjectReader in(read);
        reads(in);
        return in.problem();
    };
    EXPECT_EQ(problem_of([](auto& in) { in.number("n", 0, 9); }), R"(missing or bad "n")");
    EXPECT_EQ(problem_of([](auto& in) { in.text("t"); }), R"(missing or bad "t")");
    EXPECT_EQ(problem_of([](auto& in) { in.flag("f"); }), R"(missing or bad "f")");
    EXPECT_EQ(problem_of([](auto& in) { in.texts("l"); }), R"(missing or bad "l")");
    EXPECT_EQ(problem_of([](auto& in) { in.choice("c", colours); }), R"(missing or bad "c")");
    EXPECT_EQ(problem_of([](auto& in) { in.duration("d"); }), R"(missing or bad "d")");
    EXPECT_EQ(problem_of([](auto& in) { in.pid(); }), R"(missing or bad "pid")");
    EXPECT_EQ(problem_of([](auto& in) { in.counter("k"); }), R"(missing or bad "k")");
    EXPECT_EQ(problem_of([](auto& in) { in.inside("o", [](ObjectReader&) {}); }), R"(missing or bad "o")");
}

TEST(ObjectReaderTest, SaysInsideOfWhatAProblemIs) {
    const auto read = object(R"({"pool":{"min":"x"}})");
    ObjectReader in(read);
    in.inside("pool", [](ObjectReader& inner) { inner.number("min", 0, 9); });
    EXPECT_EQ(in.problem(), R"(missing or bad "min" in "pool")");
}

TEST(ObjectReaderTest, ListsHaveAnEnd) {
    json::array long_list(1025, "x");
    const json::object read{{"l", long_list}};
    ObjectReader in(read);
    EXPECT_TRUE(in.texts("l").empty());
    EXPECT_NE(in.problem(), "");
}

} // namespace
} // namespace mpsup::contract
