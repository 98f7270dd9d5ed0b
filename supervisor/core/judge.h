// Does the new generation answer as well as the old one, on the same traffic at the same time?
#pragma once

#include "base/latency_histogram.h"
#include "supervisor/core/restart_budget.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mpsup::core {

/// What clients got from one generation while both served.
struct Tally {
    LatencyHistogram latency;   // of what was answered
    std::uint64_t failures = 0; // of these, with 5xx
    std::uint64_t deaths = 0;   // of children, each of which took a request with it
    std::uint64_t stuck = 0;    // children that have one in hand since long, now

    [[nodiscard]] std::uint64_t requests() const noexcept { return latency.total() + deaths + stuck; }
    [[nodiscard]] std::uint64_t failed() const noexcept { return failures + deaths + stuck; }
    /// What came since it was `then`; what is not plausible is nothing.
    [[nodiscard]] Tally since(const Tally& then) const;
    /// The same shares of at most so many requests: the counts are the workers' word, and may be anything.
    [[nodiscard]] Tally bounded() const;
};

/// The memory of a generation's children over time. What was said in the first two minutes is forgotten, for that is when
/// they warm up; and what is older than a quarter of an hour.
class MemorySlope {
public:
    /// `bytes`: that one child has of its own, on average. `at`: never before what was said last.
    void add(Time at, std::uint64_t bytes);
    [[nodiscard]] Duration span() const;
    /// Least squares, in bytes a minute; `error`: its standard error.
    struct Slope {
        double per_minute = 0, error = 0;
    };
    [[nodiscard]] Slope slope() const;

private:
    std::optional<Time> began_;
    std::deque<std::pair<Time, double>> points_;
};

struct JudgeRule {
    std::uint64_t requests = 400; // of the new generation, before it can pass
    Duration span{30'000};        // after which there is no more waiting for them

    friend bool operator==(const JudgeRule&, const JudgeRule&) = default;
};

enum class Verdict {
    open,     // not yet
    good,     //
    bad,      //
    unjudged, // too few requests within the span: the gate alone decides
};
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

/// Pure. Looks again and again while both serve, at ever more requests; says the same for ever once it has decided.
///
/// Bad, by failures: the new one's share is a percentage point above the old one's, and by a one-sided test (Fisher's) that
/// is chance in one of a million looks; from `requests` on one of ten thousand is enough, and at the end of the
/// span one of a hundred, or of ten if the old one has none at all. It is tested again when there are a tenth more requests: so some ten times to a decision.
/// Unjudged: too few requests came, or it fails more often and the old one served too few to tell.
/// Good: so few failures that one in fifty more than the old one has would be chance in one of two thousand. Between the two it
/// looks on. By time: the new one's 95th percentile lies above one and a half times the old one's and 10 ms, and so many
/// are above that as would be chance in one of a million. By memory, after ten minutes beside the first two: what a child has of its own grows by
/// 1 MiB a minute more than with the old one, by six standard errors.
class Judge {
public:
    Judge(JudgeRule rule, Time began) : rule_(rule), began_(began) {}

    Verdict look(const Tally& old_counts, const Tally& new_counts, Time now);
    Verdict look(const MemorySlope& old_one, const MemorySlope& new_one);
    [[nodiscard]] Verdict verdict() const { return verdict_; }
    /// Why; of an open one how far it is.
    [[nodiscard]] const std::string& reason() const { return reason_; }
    [[nodiscard]] Time ends() const { return began_ + rule_.span; }

private:
    Verdict decide(Verdict verdict, std::string reason);

    JudgeRule rule_;
    Time began_;
    std::uint64_t looked_at_ = 0; // requests of the new one, at the last test
    Verdict verdict_ = Verdict::open;
    std::string reason_;
};

/// The chance that, of `marked` among `all`, `found` or more are among `drawn` of them.
[[nodiscard]] double chance_of_as_many(std::uint64_t all, std::uint64_t marked, std::uint64_t drawn,
                                       std::uint64_t found);
/// The chance of `found` or fewer in `drawn` independent ones of this share.
[[nodiscard]] double chance_of_as_few(std::uint64_t drawn, double share, std::uint64_t found);

} // namespace mpsup::core
