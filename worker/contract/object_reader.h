// Members of a JSON object that came from another process, each read as what it should be.
#pragma once

#include "base/error.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace mpsup::contract {

/// How a value of an enum is written.
template <typename Enum> struct Name {
    Enum value;
    std::string_view text;
};

template <typename Enum, std::size_t N> std::string_view text_of(const Name<Enum> (&names)[N], Enum value) {
    for (const auto& name : names)
        if (name.value == value) return name.text;
    std::unreachable();
}

/// Remembers the first member that is missing or wrong; what is read in its place is the smallest, empty or first. The object
/// outlives it.
class ObjectReader {
public:
    explicit ObjectReader(const boost::json::object& object) : object_(object) {}

    /// `missing or bad "pid" in "pool"`; empty: all was as it should be.
    [[nodiscard]] const std::string& problem() const { return problem_; }

    std::int64_t number(std::string_view key, std::int64_t low, std::int64_t high);
    std::string text(std::string_view key);
    bool flag(std::string_view key);
    /// At most 1024 of them.
    std::vector<std::string> texts(std::string_view key);
    /// Milliseconds: since something (34 years at most), and for something (a day at most).
    std::chrono::milliseconds age(std::string_view key);
    std::chrono::milliseconds duration(std::string_view key);
    /// Under "pid".
    pid_t pid();
    std::uint64_t counter(std::string_view key);

    template <typename Enum, std::size_t N> Enum choice(std::string_view key, const Name<Enum> (&names)[N]) {
        return choice_of(key, text(key), names);
    }

    template <typename Enum, std::size_t N>
    std::vector<Enum> choices(std::string_view key, const Name<Enum> (&names)[N]) {
        std::vector<Enum> list;
        for (const std::string& text : texts(key)) list.push_back(choice_of(key, text, names));
        return list;
    }

    /// The members of the object under `key`; its problems are this reader's.
    template <typename Read> void inside(std::string_view key, Read read) {
        const boost::json::value* value = find(key);
        if (!value) return;
        const boost::json::object* object = value->if_object();
        if (!object) return complain(key);
        ObjectReader inner(*object);
        read(inner);
        if (problem_.empty() && !inner.problem().empty())
            problem_ = inner.problem() + " in \"" + std::string(key) + "\"";
    }

    /// Is there one?
    [[nodiscard]] bool has(std::string_view key) const { return object_.contains(key); }

    /// What a function of its own reads.
    template <typename T> T part(std::string_view key, Result<T> (*read)(const boost::json::value&)) {
        const boost::json::value* value = find(key);
        if (!value) return {};
        auto result = read(*value);
        if (result) return std::move(*result);
        if (problem_.empty()) problem_ = result.error().to_string();
        return {};
    }

private:
    template <typename Enum, std::size_t N>
    Enum choice_of(std::string_view key, const std::string& text, const Name<Enum> (&names)[N]) {
        for (const auto& name : names)
            if (name.text == text) return name.value;
        return complain(key), names[0].value;
    }

    const boost::json::value* find(std::string_view key);
    void complain(std::string_view key);

    const boost::json::object& object_;
    std::string problem_;
};

} // namespace mpsup::contract
