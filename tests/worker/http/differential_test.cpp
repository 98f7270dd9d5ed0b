// Our gate against Beast's parser: wherever they disagree, a clause says why.
#include "worker/http/request_parser.h"

#include "tests/worker/http/beast_oracle.h"
#include "tests/worker/http/client.h"
#include "tests/worker/http/corpus.h"
#include "tests/worker/http/mutate.h"
#include "worker/http/connection.h"

#include <gtest/gtest.h>
#include <map>

namespace mpsup::http {
namespace {

struct Verdict {
    int refusal = 0; // 0: accepted
    std::string reason;
    std::string method, target, body;
    std::size_t fields = 0;
    bool incomplete = false;
};

// The first request of `bytes` through our engine.
Verdict ours(std::string_view bytes) {
    Verdict verdict;
    const Connection::Options options;
    const TimePoint now{};
    Connection connection(options, now);
    for (;;) {
        switch (connection.next(now)) {
        case Connection::Event::need_input: {
            if (bytes.empty()) return verdict.incomplete = true, verdict;
            const auto space = connection.input_space();
            const std::size_t size = bytes.copy(space.data(), space.size());
            bytes.remove_prefix(size);
            connection.received(size, now);
            break;
        }
        case Connection::Event::head:
            verdict.method = connection.request().method;
            verdict.target = connection.request().target;
            break;
        case Connection::Event::body: verdict.body += connection.body_piece(); break;
        case Connection::Event::replied:
            if (connection.own_reply().status < 400) {
                verdict.method = connection.request().method;
                verdict.target = connection.request().target;
                return verdict;
            }
            verdict.refusal = connection.own_reply().status;
            verdict.reason = connection.own_reply().reason;
            return verdict;
        default: return verdict;
        }
    }
}

// Where we refuse what Beast takes: the reason we give, and the rule that backs it.
const std::map<std::string, std::string, std::less<>> stricter = {
    {"bare LF", "RFC 9112 section 2.2: may be taken for the end of a line, and need not"},
    {"method too long", "limit of ours; RFC 9112 section 3: implementation-defined"},
    {"line too long", "limit of ours; RFC 9112 section 3 (414), RFC 6585 section 5 (431)"},
    {"head too large", "limit of ours; RFC 6585 section 5"},
    {"too many fields", "limit of ours; RFC 6585 section 5"},
    {"bad target", "RFC 9112 section 3.2: the four forms, octets of RFC 3986 only"},
    {"unknown method", "RFC 9110 section 9.1: 501 for what is not implemented"},
    {"CONNECT or TRACE", "RFC 9110 section 9.1: 405 for what is not allowed"},
    {"no Host", "RFC 9112 section 3.2: 400 to a request without Host"},
    {"two Host fields", "RFC 9112 section 3.2: 400 to more than one Host"},
    {"bad Host", "RFC 9112 section 3.2: 400 to an invalid Host"},
    {"folded line", "RFC 9112 section 5.2: a server must reject or replace it"},
    {"two Content-Length fields", "RFC 9110 section 8.6: may reject even equal ones"},
    {"bad Content-Length", "RFC 9110 section 8.6: may reject a list of equal ones"},
    {"two Transfer-Encoding fields", "RFC 9112 section 6.3: no certainty about the framing"},
    {"bad Transfer-Encoding", "RFC 9112 section 6.3: 400 where chunked is not final"},
    {"unknown transfer coding", "RFC 9112 section 6.1: 501 to a coding that is not understood"},
    {"Transfer-Encoding in HTTP/1.0", "RFC 9112 section 6.1: framing of such a message is faulty"},
    {"Transfer-Encoding and Content-Length", "RFC 9112 section 6.3: ought to be handled as an error"},
    {"unknown expectation", "RFC 9110 section 10.1.1: 417"},
    {"content too large", "limit of ours; RFC 9110 section 15.5.14"},
    {"chunk line too long", "RFC 9112 section 7.1.1: limit the length of extensions"},
    {"too many chunk extensions", "RFC 9112 section 7.1.1: limit the length of extensions"},
    {"control octet in a chunk extension", "RFC 9112 section 7.1.1: a quoted-string holds none"},
    {"chunk extension without a name", "RFC 9112 section 7.1.1: chunk-ext-name is a token"},
    {"chunk extension without a value", "RFC 9112 section 7.1.1: chunk-ext-val is a token or quoted-string"},
    {"bad chunk size", "RFC 9112 section 7.1: BWS before an extension is bad white space, and refused"},
    {"chunk size too long", "limit of ours: 16 digits"},
    {"too many trailers", "limit of ours; the head's"},
    {"trailers too large", "limit of ours; the head's"},
    {"trailer line too long", "limit of ours; the head's"},
    {"bad trailer name", "RFC 9112 section 5.2: no folding in trailers either"},
    {"empty lines before the request line", "RFC 9112 section 2.2: one is to be skipped at least"},
    {"request line with extra space", "RFC 9112 section 3: single spaces"},
};

// Where we take what Beast refuses. Each is a rule that RFC 9112 or 9110 states; `applies` recognises its mark.
struct Leniency {
    const char* clause;
    bool (*applies)(std::string_view bytes);
};
const Leniency more_lenient[] = {
    {"RFC 9112 section 2.2: ignore at least one empty line before the request line",
     [](std::string_view bytes) { return bytes.starts_with("\r\n"); }},
    {"RFC 9110 section 7.6.1: a connection option that is not known says nothing, be it a token or not",
     [](std::string_view bytes) { return bytes.contains("Connection:"); }},
    {"RFC 9112 section 7.1.2: trailers may be discarded, so their framing fields say nothing",
     [](std::string_view bytes) { return bytes.contains("\r\n0\r\n") || bytes.contains("\r\n00"); }},
};

class Differential {
public:
    void compare(std::string_view bytes) {
        Verdict us = ours(bytes);
        OracleVerdict beast = ask_beast(bytes);
        // We judge a line when it ends, Beast octets as they come, or the whole head: give both an end.
        if (us.incomplete && beast.refused) us = ours(std::string(bytes) + "\r\n\r\n");
        if (us.refusal != 0 && !beast.refused && !beast.complete) beast = ask_beast(std::string(bytes) + "\r\n\r\n");
        ++total_;
        if (us.incomplete && !beast.refused && !beast.complete) return;
        EXPECT_FALSE(us.incomplete && beast.complete) << "we wait for more: " << testing::PrintToString(bytes);
        if (us.refusal != 0 && !beast.refused) {
            EXPECT_TRUE(stricter.contains(us.reason))
                << us.reason << " is no clause: " << testing::PrintToString(bytes);
            ++explained_[us.reason];
        } else if (us.refusal == 0 && beast.refused) {
            const auto* rule =
                std::ranges::find_if(more_lenient, [&](const auto& each) { return each.applies(bytes); });
            EXPECT_NE(rule, std::end(more_lenient))
                << "taken, though Beast says " << beast.reason << ": " << testing::PrintToString(bytes);
            if (rule != std::end(more_lenient)) ++explained_[rule->clause];
        } else if (us.refusal == 0 && beast.complete) {
            EXPECT_EQ(us.method, beast.method) << testing::PrintToString(bytes);
            EXPECT_EQ(us.target, beast.target) << testing::PrintToString(bytes);
            // OPTIONS * is answered before its body.
            EXPECT_TRUE(us.body == beast.body || us.target == "*") << testing::PrintToString(bytes);
            ++agreed_;
        }
    }
    [[nodiscard]] std::size_t agreed() const { return agreed_; }
    void report() const {
        for (const auto& [clause, count] : explained_) testing::Test::RecordProperty(clause, static_cast<int>(count));
    }

private:
    std::size_t total_ = 0;
    std::size_t agreed_ = 0;
    std::map<std::string, std::size_t, std::less<>> explained_;
};

TEST(Differential, DiffersFromBeastByTheBookOnTheCorpus) {
    Differential differential;
    for (const auto& test : load_corpus()) differential.compare(test.bytes);
    EXPECT_GT(differential.agreed(), 10U);
    differential.report();
}

TEST(Differential, DiffersFromBeastByTheBookOnAHundredThousandMutations) {
    Differential differential;
    Mutator mutator(20261122);
    for (int i = 0; i < 100'000 && !testing::Test::HasFailure(); ++i) differential.compare(mutator.next());
    EXPECT_GT(differential.agreed(), 1000U);
    differential.report();
}

TEST(Differential, IsNotMovedByTheCut) {
    Mutator mutator(42);
    for (int i = 0; i < 5'000 && !testing::Test::HasFailure(); ++i) {
        const std::string bytes = mutator.next();
        MemoryClient whole;
        whole.send(bytes).hang_up();
        MemoryClient cut;
        cut.send(bytes, 1).hang_up();
        EXPECT_EQ(whole.replies(), cut.replies()) << testing::PrintToString(bytes);
        EXPECT_EQ(whole.bodies, cut.bodies) << testing::PrintToString(bytes);
    }
}

} // namespace
} // namespace mpsup::http
