// A value that most do not have.
#pragma once

#include <memory>

namespace mpsup::topology {

/// As a T, but a pointer wide while it is T's default.
template <typename T> class Boxed {
public:
    Boxed() noexcept = default;
    Boxed(const Boxed& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
    Boxed(Boxed&&) noexcept = default;
    Boxed& operator=(const Boxed& other) {
        value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
        return *this;
    }
    Boxed& operator=(Boxed&&) noexcept = default;
    ~Boxed() = default;

    [[nodiscard]] const T& operator*() const {
        static const T usual{};
        return value_ ? *value_ : usual;
    }
    [[nodiscard]] const T* operator->() const { return &**this; }
    /// To be changed.
    [[nodiscard]] T& edit() {
        if (!value_) value_ = std::make_unique<T>();
        return *value_;
    }

    friend bool operator==(const Boxed& one, const Boxed& other) { return *one == *other; }

private:
    std::unique_ptr<T> value_;
};

} // namespace mpsup::topology
