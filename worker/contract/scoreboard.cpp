#include "worker/contract/scoreboard.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace mpsup::contract {

namespace {

constexpr int read_attempts = 8;

template <std::size_t N> void store_text(std::array<char, N>& field, std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), N - 1);
    std::memcpy(field.data(), text.data(), size);
    field[size] = '\0';
}

std::string printable(std::string_view bytes, char also) {
    std::string text(bytes);
    std::ranges::replace_if(text, [also](char c) { return (c < 0x20 || c > 0x7e) && c != also; }, '?');
    return text;
}

template <std::size_t N> std::string load_text(const std::array<char, N>& field) {
    return printable({field.data(), ::strnlen(field.data(), N)}, ' ');
}

char known_activity(char letter) { return std::string_view("S_RWG").contains(letter) ? letter : '?'; }

} // namespace

Result<Fd> make_scoreboard() { return make_sealed_memfd("mpsup-scoreboard", sizeof(ScoreboardRecord)); }

Result<ScoreboardWriter> ScoreboardWriter::open(int memfd) {
    auto mapping = Mapping::read_write(memfd, sizeof(ScoreboardRecord));
    if (!mapping) return std::unexpected(mapping.error());
    auto* record = new (mapping->data()) ScoreboardRecord{};
    record->record_size = sizeof(ScoreboardRecord);
    record->activity = static_cast<char>(Activity::starting);
    record->layout_version = ScoreboardRecord::layout;
    return ScoreboardWriter(std::move(*mapping));
}

void ScoreboardWriter::set(Activity activity) noexcept {
    if (mapping_) record()->activity.store(static_cast<char>(activity), std::memory_order_relaxed);
}

void ScoreboardWriter::begin_request(std::string_view method, std::string_view uri, std::int64_t now_ms,
                                     std::int64_t deadline_ms) noexcept {
    if (!mapping_) return;
    auto& record_now = *record();
    record_now.sequence.fetch_add(1, std::memory_order_acq_rel);
    store_text(record_now.method, method);
    store_text(record_now.uri, uri);
    record_now.since_ms.store(now_ms, std::memory_order_relaxed);
    record_now.deadline_ms.store(deadline_ms, std::memory_order_relaxed);
    record_now.sequence.fetch_add(1, std::memory_order_release);
    set(Activity::sending);
}

void ScoreboardWriter::end_request(std::int64_t now_ms) noexcept {
    if (!mapping_) return;
    record()->since_ms.store(0, std::memory_order_relaxed);
    record()->last_ms.store(now_ms, std::memory_order_relaxed);
    record()->requests.fetch_add(1, std::memory_order_relaxed);
    set(Activity::waiting);
}

void ScoreboardWriter::count_request(std::int64_t now_ms) noexcept {
    if (!mapping_) return;
    record()->last_ms.store(now_ms, std::memory_order_relaxed);
    record()->requests.fetch_add(1, std::memory_order_relaxed);
}

void ScoreboardWriter::count_reply(int status, std::uint64_t microseconds) noexcept {
    if (!mapping_) return;
    // One writer: a load and a store are enough, and cost less than an atomic addition.
    const auto count = [](auto& number) {
        number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    };
    count(record()->latency[latency_bucket(microseconds)]);
    if (status >= 500) count(record()->failures);
}

void ScoreboardWriter::note_failure(int status, std::string_view body) noexcept {
    if (!mapping_) return;
    auto& failure = record()->failure;
    failure.sequence.fetch_add(1, std::memory_order_acq_rel);
    failure.status = static_cast<std::uint32_t>(status);
    failure.method.fill('\0');
    std::ranges::copy(record()->method, failure.method.begin());
    failure.uri = record()->uri;
    store_text(failure.body, body.substr(0, body.find_first_of("\r\n")));
    failure.sequence.fetch_add(1, std::memory_order_release);
}

void ScoreboardWriter::count_page(PageFate fate) noexcept {
    if (mapping_) record()->pages[static_cast<std::size_t>(fate)].fetch_add(1, std::memory_order_relaxed);
}

void ScoreboardWriter::set_last(std::int64_t now_ms) noexcept {
    if (mapping_) record()->last_ms.store(now_ms, std::memory_order_relaxed);
}

void ScoreboardWriter::set_memory(std::uint64_t rss, std::uint64_t unshared) noexcept {
    if (!mapping_) return;
    record()->rss.store(rss, std::memory_order_relaxed);
    record()->unshared.store(unshared, std::memory_order_relaxed);
}

std::uint64_t ScoreboardWriter::requests() const noexcept {
    return mapping_ ? record()->requests.load(std::memory_order_relaxed) : 0;
}

SlowRecord* ScoreboardWriter::begin_slow(std::int64_t now_ms) noexcept {
    if (!mapping_) return nullptr;
    auto& slow = record()->slow;
    slow.sequence.fetch_add(1, std::memory_order_acq_rel);
    slow.method.fill('\0');
    std::ranges::copy(record()->method, slow.method.begin());
    slow.uri = record()->uri;
    slow.since_ms = record()->since_ms.load(std::memory_order_relaxed);
    slow.at_ms.store(now_ms, std::memory_order_relaxed);
    return &slow;
}

Result<ScoreboardReader> ScoreboardReader::open(int memfd) {
    if (!is_sealed_memfd(memfd, sizeof(ScoreboardRecord))) return system_failure("scoreboard", EINVAL);
    auto mapping = Mapping::read_only(memfd, sizeof(ScoreboardRecord));
    if (!mapping) return std::unexpected(mapping.error());
    return ScoreboardReader(std::move(*mapping));
}

ScoreboardSnapshot ScoreboardReader::read() const {
    ScoreboardSnapshot snapshot;
    if (!mapping_) return snapshot;
    const auto& record = *static_cast<const ScoreboardRecord*>(mapping_.data());
    if (record.layout_version != ScoreboardRecord::layout || record.record_size != sizeof(ScoreboardRecord))
        return snapshot;
    snapshot.activity = known_activity(record.activity.load(std::memory_order_relaxed));
    snapshot.requests = record.requests.load(std::memory_order_relaxed);
    snapshot.last_ms = record.last_ms.load(std::memory_order_relaxed);
    snapshot.rss = record.rss.load(std::memory_order_relaxed);
    snapshot.unshared = record.unshared.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < page_fates.size(); ++i)
        snapshot.pages[i] = record.pages[i].load(std::memory_order_relaxed);
    for (int attempt = 0; attempt < read_attempts; ++attempt) {
        const auto before = record.sequence.load(std::memory_order_acquire);
        ScoreboardSnapshot::Request request{load_text(record.method), load_text(record.uri),
                                            record.since_ms.load(std::memory_order_relaxed),
                                            record.deadline_ms.load(std::memory_order_relaxed)};
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before % 2 != 0 || record.sequence.load(std::memory_order_relaxed) != before) continue;
        if (request.since_ms > 0) snapshot.request = std::move(request);
        break;
    }
    return snapshot;
}

Traffic ScoreboardReader::read_traffic() const {
    Traffic traffic;
    if (!mapping_) return traffic;
    const auto& record = *static_cast<const ScoreboardRecord*>(mapping_.data());
    if (record.layout_version != ScoreboardRecord::layout || record.record_size != sizeof(ScoreboardRecord))
        return traffic;
    traffic.failures =
        record.failures.load(std::memory_order_relaxed); // first: a request is counted before its failure
    for (std::size_t i = 0; i < latency_buckets; ++i)
        traffic.latency.counts[i] = record.latency[i].load(std::memory_order_relaxed);
    traffic.failures = std::min(traffic.failures, traffic.requests());
    return traffic;
}

std::optional<FailureSnapshot> ScoreboardReader::read_failure() const {
    if (!mapping_) return std::nullopt;
    const auto& record = *static_cast<const ScoreboardRecord*>(mapping_.data());
    if (record.layout_version != ScoreboardRecord::layout || record.record_size != sizeof(ScoreboardRecord))
        return std::nullopt;
    const FailureRecord& failure = record.failure;
    for (int attempt = 0; attempt < read_attempts; ++attempt) {
        const auto before = failure.sequence.load(std::memory_order_acquire);
        if (before == 0) return std::nullopt;
        FailureSnapshot snapshot{failure.status, load_text(failure.method), load_text(failure.uri),
                                 load_text(failure.body)};
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before % 2 == 0 && failure.sequence.load(std::memory_order_relaxed) == before) return snapshot;
    }
    return std::nullopt;
}

std::optional<SlowSnapshot> ScoreboardReader::read_slow() const {
    if (!mapping_) return std::nullopt;
    const auto& record = *static_cast<const ScoreboardRecord*>(mapping_.data());
    if (record.layout_version != ScoreboardRecord::layout || record.record_size != sizeof(ScoreboardRecord))
        return std::nullopt;
    const SlowRecord& slow = record.slow;
    for (int attempt = 0; attempt < read_attempts; ++attempt) {
        const auto before = slow.sequence.load(std::memory_order_acquire);
        if (before == 0) return std::nullopt;
        const std::size_t size = std::min<std::size_t>(slow.size, slow.text.size()); // read once: it may change
        std::string text = printable({slow.text.data(), size}, '\n');
        SlowSnapshot snapshot{load_text(slow.method),
                              load_text(slow.uri),
                              slow.at_ms.load(std::memory_order_relaxed) - slow.since_ms,
                              {}};
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before % 2 != 0 || slow.sequence.load(std::memory_order_relaxed) != before) continue;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            if (end > start) snapshot.frames.push_back(text.substr(start, end - start));
            start = end + 1;
        }
        return snapshot;
    }
    return std::nullopt;
}

} // namespace mpsup::contract
