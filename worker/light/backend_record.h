// What an accelerator knows of its backends, on the disk for the one that comes after it.
#pragma once

#include "worker/accelerator/accelerator_state.h"
#include "worker/contract/front.h"

#include <string>

namespace mpsup::light {

/// A file of a few lines in the buffer folder. Without TCP backends, or without the folder, there is none. What is read is
/// checked by AcceleratorState; a disk that refuses costs the record and nothing else.
class BackendRecord {
public:
    explicit BackendRecord(const contract::Front& front);

    [[nodiscard]] bool is_needed() const noexcept { return !path_.empty(); }
    void read(accelerator::AcceleratorState& state) const;
    /// When anything has changed since it was written last.
    void write(accelerator::AcceleratorState& state);
    /// It is another process's from now on.
    void close() noexcept { path_.clear(); }

private:
    std::string path_; // empty: there is none
    std::string written_;
};

} // namespace mpsup::light
