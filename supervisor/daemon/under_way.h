// Counting what coroutines are in the middle of, and marking that one is.
#pragma once

namespace mpsup {

/// One more of them, as long as it lives.
class UnderWay {
public:
    explicit UnderWay(int& count) noexcept : count_(count) { ++count_; }
    ~UnderWay() { --count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

private:
    int& count_;
};

} // namespace mpsup
