#include "worker/dynamic/warm_up.h"

#include "tests/worker/dynamic/fake_engine.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

class WarmUpTest : public testing::Test {
protected:
    void answer(int status, std::string error = {}) {
        engine_.on_call = [this, status, error = std::move(error)](const perl::RequestInput& input,
                                                                   perl::Reply& reply) {
            method_ = input.request.method;
            path_ = input.path;
            query_ = input.request.query;
            host_ = input.request.authority;
            address_ = input.remote_address;
            (void)reply.start(status, {}, 5, false);
            took_body_ = reply.write("hello");
            connection_ = reply.take_connection().fd;
            return perl::CallOutcome{true, error.empty(), 500, error};
        };
    }
    // What it says on stderr.
    std::string warm(const std::string& target) {
        testing::internal::CaptureStderr();
        warm_up(engine_, target);
        return testing::internal::GetCapturedStderr();
    }
    FakeEngine engine_;
    std::string method_, path_, query_, host_, address_;
    bool took_body_ = false;
    int connection_ = 0;
};

TEST_F(WarmUpTest, AsksAsAClientWouldAndSaysNothing) {
    answer(200);
    EXPECT_EQ(warm("/search%20it?q=x&y=%2f"), "");
    EXPECT_EQ(method_, "GET");
    EXPECT_EQ(path_, "/search it");
    EXPECT_EQ(query_, "q=x&y=%2f");
    EXPECT_EQ(host_, "localhost");
    EXPECT_EQ(address_, "127.0.0.1");
    EXPECT_EQ(engine_.finished, 1) << "what the request did to the process is put back";
}

TEST_F(WarmUpTest, TakesTheReplyAndHasNoConnectionToGive) {
    answer(200);
    warm("/");
    EXPECT_TRUE(took_body_);
    EXPECT_LT(connection_, 0);
}

TEST_F(WarmUpTest, ComplainsOfAnErrorAndGoesOn) {
    answer(500, "no luck at app.psgi line 3.\n");
    EXPECT_EQ(warm("/a"), "mpsup: warm-up /a: no luck at app.psgi line 3.\n");
    EXPECT_EQ(engine_.finished, 1);
}

TEST_F(WarmUpTest, ComplainsOfAReplyThatIsNone) {
    answer(404);
    EXPECT_EQ(warm("/nosuch"), "mpsup: warm-up /nosuch: answered 404\n");
}

TEST_F(WarmUpTest, AsksNothingThatIsNoTarget) {
    bool asked = false;
    engine_.on_call = [&](const perl::RequestInput&, perl::Reply&) {
        asked = true;
        return perl::CallOutcome{};
    };
    EXPECT_EQ(warm("/a b"), "mpsup: warm-up /a b: is no request target\n");
    EXPECT_EQ(warm("/a%zz"), "mpsup: warm-up /a%zz: has a bad escape\n");
    EXPECT_FALSE(asked);
}

} // namespace
} // namespace mpsup::dynamic
