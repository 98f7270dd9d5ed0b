// A value that many hold and few change.
#pragma once

#include <memory>
#include <utility>

namespace mpsup::topology {

/// As a T whose copies are one in memory until one of them is changed. One thread's.
template <typename T> class CopyOnWrite {
public:
    CopyOnWrite() : value_(std::make_shared<T>()) {}
    CopyOnWrite(T value) : value_(std::make_shared<T>(std::move(value))) {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] const T& operator*() const noexcept { return *value_; }
    [[nodiscard]] const T* operator->() const noexcept { return value_.get(); }
    /// To be changed.
    [[nodiscard]] T& edit() {
        if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
        return *value_;
    }

private:
    std::shared_ptr<T> value_;
};

} // namespace mpsup::topology
