#include "worker/static/content_coding.h"

#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

AcceptedCodings accepted(std::initializer_list<std::string_view> lines) {
    http::Request request;
    for (const std::string_view line : lines) request.fields.push_back({"accept-encoding", line});
    return AcceptedCodings::of(request);
}

constexpr Coding all[] = {Coding::brotli, Coding::zstd, Coding::gzip, Coding::identity};

std::optional<Coding> choice(std::string_view line) { return accepted({line}).choose(all); }

TEST(AcceptedCodings, AreIdentityAloneWithoutTheField) {
    EXPECT_EQ(accepted({}).choose(all), Coding::identity);
    EXPECT_EQ(choice(""), Coding::identity);
    EXPECT_EQ(choice("deflate, compress"), Coding::identity);
}

TEST(AcceptedCodings, PreferWhatTheClientPrefers) {
    EXPECT_EQ(choice("gzip;q=0.8, br;q=0.2"), Coding::gzip);
    EXPECT_EQ(choice("gzip;q=0.5, identity;q=0.6"), Coding::identity);
    EXPECT_EQ(choice("gzip;q=0.001"), Coding::gzip) << "identity that is not listed comes last";
    EXPECT_EQ(choice("GZIP ; Q=1.000 , br;q=0.999"), Coding::gzip);
    EXPECT_EQ(choice("x-gzip"), Coding::gzip);
}

TEST(AcceptedCodings, PreferTheSmallestAtATie) {
    EXPECT_EQ(choice("gzip, deflate, br, zstd"), Coding::brotli);
    EXPECT_EQ(choice("gzip, zstd"), Coding::zstd);
    EXPECT_EQ(choice("identity, gzip"), Coding::gzip);
    EXPECT_EQ(choice("*"), Coding::brotli);
    EXPECT_EQ(accepted({"gzip", "br"}).choose(all), Coding::brotli) << "two lines, one list";
    constexpr Coding other_order[] = {Coding::gzip, Coding::brotli};
    EXPECT_EQ(accepted({"br, gzip"}).choose(other_order), Coding::gzip) << "what is offered first";
}

TEST(AcceptedCodings, LeaveOutWhatIsRefused) {
    EXPECT_EQ(choice("br;q=0, *"), Coding::zstd);
    EXPECT_EQ(choice("br;q=0.0, gzip"), Coding::gzip);
    EXPECT_EQ(choice("*;q=0, gzip"), Coding::gzip);
    EXPECT_EQ(choice("identity;q=0, gzip;q=0.1"), Coding::gzip);
    EXPECT_EQ(choice("identity;q=0"), std::nullopt);
    EXPECT_EQ(choice("*;q=0"), std::nullopt);
    EXPECT_EQ(choice("*;q=0, identity;q=0.5"), Coding::identity);
    constexpr Coding nothing_else[] = {Coding::identity};
    EXPECT_EQ(accepted({"identity;q=0, gzip"}).choose(nothing_else), std::nullopt);
}

TEST(AcceptedCodings, PassOverWhatMakesNoSense) {
    for (const char* line : {"gzip;q=1.5", "gzip;q=", "gzip;q=x", "gzip;q=0.1234", "gzip;q=-1", "gzip;level=9",
                             "gzip;q=1;x", "gzip gzip", ";q=1", ",,;,", "gzip;q=2", "gzip;q=01", "gzip;q=1.001"})
        EXPECT_EQ(choice(line), Coding::identity) << line;
    EXPECT_EQ(choice(",, gzip ,"), Coding::gzip);
    EXPECT_EQ(choice(std::string(10'000, ',') + "gzip"), Coding::gzip);
}

TEST(Codings, AreKnownByTheEndingOfTheirFiles) {
    for (const Coding coding : codings) EXPECT_EQ(coding_of_ending(coding_ending(coding)), coding);
    EXPECT_EQ(coding_of_ending("zip"), std::nullopt);
    EXPECT_EQ(coding_name(Coding::zstd), "zstd");
    EXPECT_EQ(coding_name(Coding::identity), "");
}

} // namespace
} // namespace mpsup::static_files
