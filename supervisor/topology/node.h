// The tree that a topology file or document is read into, before anything is known of its meaning.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mpsup::topology {

/// Where something stands: line and column (in bytes) from 1; 0: nowhere. In the order of the files.
struct Mark {
    int line = 0;
    int column = 0;
    int file = 0; // which of the files that were read (assemble.h)

    friend bool operator==(const Mark&, const Mark&) = default;
    friend auto operator<=>(const Mark& one, const Mark& other) {
        return std::tie(one.file, one.line, one.column) <=> std::tie(other.file, other.line, other.column);
    }
};

struct Finding;

/// A value, as text: no scalar is ever taken for a number, a truth value or a date before a key says what it is.
/// Shared between the places that name it (YAML aliases); never cyclic.
struct Node {
    enum class Type { null, scalar, sequence, map };
    struct Entry {
        std::string key;
        Mark key_mark;
        std::shared_ptr<const Node> value;
    };

    Type type = Type::null;
    Mark mark;
    std::string text;                               // scalar
    std::shared_ptr<const Finding> fault;           // of a scalar that has no text after all: why
    std::vector<std::shared_ptr<const Node>> items; // sequence
    std::vector<Entry> entries;                     // map, in the order of the file; a key may stand twice
};

using NodePtr = std::shared_ptr<const Node>;

/// The value of the first entry of that name; null when there is none, and of a null `map`.
[[nodiscard]] const Node* entry(const Node* map, std::string_view key) noexcept;

/// Where that value stands, else where the map does; nowhere for null.
[[nodiscard]] Mark mark_of(const Node* map, std::string_view key) noexcept;

/// One thing that is wrong, before it is known how to show it.
struct Finding {
    Mark mark;
    std::string key; // "workers.a.pool"; empty: the whole
    std::string message;
    std::string suggestion{};
    bool is_warning = false; // the topology may be used all the same
    std::string_view code{}; // of an advice (advice.h)
};

using Findings = std::vector<Finding>;

} // namespace mpsup::topology
