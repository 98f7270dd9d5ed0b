#include "state/store.h"

#include "state/sqlite_store.h"

namespace mpsup::state {

namespace {

constexpr std::chrono::milliseconds opening_limit{500};

class StoreCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "mpsup store"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<StoreErrc>(code)) {
        case StoreErrc::newer_schema: return "written by a later version of mpsup";
        }
        return "unknown";
    }
};

class NullStore final : public Store {
public:
    void intend(const ProcessRow& /*row*/, Done done) override {
        if (done) done(false);
    }
    void started(const ProcessStart& /*start*/) override {}
    void exited(const ProcessExit& /*exit*/) override {}
    void event(const EventRow& /*event*/) override {}
    void topology(const TopologyRow& /*topology*/) override {}
    void worker(const WorkerRow& /*worker*/) override {}
    void sample(const HealthSample& /*sample*/) override {}
    void sample(const ProcessSample& /*sample*/) override {}
    void slow(const SlowRow& /*slow*/) override {}
    [[nodiscard]] StoreStatus status() const override { return {.writing = false, .problem = "history is not kept"}; }
    bool flush(std::chrono::milliseconds /*limit*/) override { return true; }
};

} // namespace

std::error_code make_error_code(StoreErrc error) noexcept {
    static const StoreCategory category;
    return {static_cast<int>(error), category};
}

Result<std::unique_ptr<Store>> open_store(const std::string& path) {
    auto store = std::make_unique<SqliteStore>(path);
    if (auto refused = store->wait_until_opened(opening_limit)) return std::unexpected(std::move(*refused));
    return store;
}

std::unique_ptr<Store> make_null_store() { return std::make_unique<NullStore>(); }

} // namespace mpsup::state
