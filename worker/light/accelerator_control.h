// What an operator may ask of an accelerator.
#pragma once

#include "worker/accelerator/accelerator_state.h"
#include "worker/contract/light_control.h"

#include <cstdint>

namespace mpsup::light {

/// Called in the main loop, while all threads serve. `state` outlives it.
class AcceleratorControl final : public contract::LightControl {
public:
    explicit AcceleratorControl(accelerator::AcceleratorState& state) : state_(state) {}

    [[nodiscard]] contract::Counts cache_stats() override;
    /// In the order of the memory: nobody keeps what was used last over the whole of it.
    [[nodiscard]] std::vector<contract::CachedObject> cached(std::size_t limit) override;
    std::uint64_t purge_url(std::string_view url) override;
    std::uint64_t purge_tag(std::string_view tag) override;
    [[nodiscard]] contract::Explanation explain(const contract::ExplainedRequest& asked) override;
    [[nodiscard]] contract::BackendReports backends() override;
    void set_maintenance(bool on) override { state_.set_maintenance(on); }

private:
    void report(std::size_t route, contract::BackendReports& reports);

    accelerator::AcceleratorState& state_;
};

} // namespace mpsup::light
