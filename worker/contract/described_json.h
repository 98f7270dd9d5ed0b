// Plain structs as JSON objects, by one description of their members for both directions:
//
//   template <typename Each> void describe(Each& each, Type<BufferRule>) { each("memory", &BufferRule::memory); … }
//   constexpr auto& words_of(Symlinks) { return symlink_words; }     // of an enum: pairs of a value and its word
//
// Members at their default are left out. Of worker/contract alone.
#pragma once

#include "base/error.h"
#include "worker/contract/cidr.h"
#include "worker/contract/path_pattern.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mpsup::contract {

template <typename T> struct Type {};

constexpr std::size_t max_list = 1024;
constexpr std::int64_t max_size = std::int64_t{1} << 53U;
constexpr std::int64_t max_time = std::int64_t{1} << 40U; // also of milliseconds: 35 years

template <typename T> constexpr bool is_list = false;
template <typename T> constexpr bool is_list<std::vector<T>> = true;
template <typename T> constexpr bool is_time = false;
template <typename Rep, typename Period> constexpr bool is_time<std::chrono::duration<Rep, Period>> = true;

template <typename T> boost::json::value to_json(const T& value);

template <typename T> struct Writer {
    const T& value;
    boost::json::object object{};
    T usual{};

    template <typename Member> void operator()(std::string_view key, Member T::* member) {
        if (value.*member != usual.*member) object.emplace(key, to_json(value.*member));
    }
};

template <typename T> boost::json::array list_to_json(const std::vector<T>& list) {
    boost::json::array array;
    for (const T& item : list) array.push_back(to_json(item));
    return array;
}

template <typename T> boost::json::value to_json(const T& value) {
    if constexpr (std::is_enum_v<T>) {
        for (const auto& [known, word] : words_of(value))
            if (known == value) return boost::json::string(word);
        return nullptr;
    } else if constexpr (std::is_same_v<T, bool>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<std::int64_t>(value);
    } else if constexpr (is_time<T>) {
        return static_cast<std::int64_t>(value.count());
    } else if constexpr (std::is_same_v<T, std::string>) {
        return boost::json::string(value);
    } else if constexpr (std::is_same_v<T, PathPattern>) {
        return boost::json::string(value.text);
    } else if constexpr (std::is_same_v<T, Cidr>) {
        return boost::json::string(value.text());
    } else if constexpr (std::is_same_v<T, std::pair<std::string, std::string>>) {
        return boost::json::array{value.first, value.second};
    } else if constexpr (is_list<T>) {
        return list_to_json(value);
    } else {
        Writer<T> writer{value};
        describe(writer, Type<T>{});
        return std::move(writer.object);
    }
}

class Problem {
public:
    [[nodiscard]] const std::string& text() const { return text_; }
    void bad(std::string_view key) {
        if (text_.empty()) text_ = "bad \"" + std::string(key.substr(0, 40)) + "\"";
    }

private:
    std::string text_;
};

inline void read(std::string_view key, const boost::json::value& in, bool& value, Problem& problem) {
    if (const bool* flag = in.if_bool())
        value = *flag;
    else
        problem.bad(key);
}

inline std::int64_t read_number(std::string_view key, const boost::json::value& in, std::int64_t least,
                                std::int64_t most, Problem& problem) {
    const std::int64_t* number = in.if_int64();
    if (number && *number >= least && *number <= most) return *number;
    problem.bad(key);
    return 0;
}

inline void read(std::string_view key, const boost::json::value& in, std::uint64_t& value, Problem& problem) {
    value = static_cast<std::uint64_t>(read_number(key, in, 0, max_size, problem));
}
inline void read(std::string_view key, const boost::json::value& in, std::uint32_t& value, Problem& problem) {
    value = static_cast<std::uint32_t>(read_number(key, in, 0, std::numeric_limits<std::int32_t>::max(), problem));
}
template <typename Rep, typename Period>
void read(std::string_view key, const boost::json::value& in, std::chrono::duration<Rep, Period>& value,
          Problem& problem) {
    value = std::chrono::duration<Rep, Period>(read_number(key, in, -max_time, max_time, problem));
}

inline void read(std::string_view key, const boost::json::value& in, std::string& value, Problem& problem) {
    const boost::json::string* text = in.if_string();
    if (text && text->find('\0') == boost::json::string::npos)
        value = *text;
    else
        problem.bad(key);
}

template <typename T> void read_parsed(std::string_view key, const boost::json::value& in, T& value, Problem& problem) {
    std::string text;
    read(key, in, text, problem);
    if (auto parsed = T::parse(text))
        value = std::move(*parsed);
    else
        problem.bad(key);
}
inline void read(std::string_view key, const boost::json::value& in, PathPattern& value, Problem& problem) {
    read_parsed(key, in, value, problem);
}
inline void read(std::string_view key, const boost::json::value& in, Cidr& value, Problem& problem) {
    read_parsed(key, in, value, problem);
}

template <typename Enum>
    requires std::is_enum_v<Enum>
void read(std::string_view key, const boost::json::value& in, Enum& value, Problem& problem) {
    const boost::json::string* text = in.if_string();
    for (const auto& [known, word] : words_of(value))
        if (text && *text == word) return void(value = known);
    problem.bad(key);
}

inline void read(std::string_view key, const boost::json::value& in, std::pair<std::string, std::string>& value,
                 Problem& problem) {
    const boost::json::array* array = in.if_array();
    if (!array || array->size() != 2) return problem.bad(key);
    read(key, (*array)[0], value.first, problem);
    read(key, (*array)[1], value.second, problem);
}

template <typename T>
    requires std::is_class_v<T> && std::is_aggregate_v<T>
void read(std::string_view key, const boost::json::value& in, T& value, Problem& problem);

template <typename T>
void read(std::string_view key, const boost::json::value& in, std::vector<T>& value, Problem& problem) {
    const boost::json::array* array = in.if_array();
    if (!array || array->size() > max_list) return problem.bad(key);
    value.clear();
    for (const boost::json::value& item : *array) read(key, item, value.emplace_back(), problem);
}

template <typename T> struct MemberReader {
    T& value;
    const boost::json::object& object;
    Problem& problem;
    std::size_t known = 0;

    template <typename Member> void operator()(std::string_view key, Member T::* member) {
        const boost::json::value* found = object.if_contains(key);
        if (!found) return;
        ++known;
        read(key, *found, value.*member, problem);
    }
};

template <typename T>
    requires std::is_class_v<T> && std::is_aggregate_v<T>
void read(std::string_view key, const boost::json::value& in, T& value, Problem& problem) {
    const boost::json::object* object = in.if_object();
    if (!object) return problem.bad(key);
    MemberReader<T> reader{value, *object, problem};
    describe(reader, Type<T>{});
    if (reader.known != object->size()) problem.bad(key);
}

/// The struct in an object, or the key of the first member that is wrong, or unknown.
template <typename T> Result<T> from_json(std::string_view name, const boost::json::value& value) {
    T result{};
    Problem problem;
    read(name, value, result, problem);
    if (!problem.text().empty()) return failure(std::string(name) + ": " + problem.text());
    return result;
}

} // namespace mpsup::contract
