// Reading typed values out of YAML nodes, with a problem for each that is not what its key wants.
#pragma once

#include "base/address.h"
#include "supervisor/topology/problem.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <yaml-cpp/yaml.h>

namespace mpsup {

/// A key as it stands in the file, and its value.
struct Entry {
    std::string name;
    YAML::Node key;
    YAML::Node value;
};

/// Collects problems; never throws for what the file says. Relative paths are taken from `folder`.
class NodeReader {
public:
    NodeReader(Problems& problems, std::string folder) : problems_(problems), folder_(std::move(folder)) {}

    void complain(const YAML::Node& where, std::string message, std::string hint = {});

    /// The entries of a map below the key table's `prefix`. Complains of what is no map, of duplicate, unknown and
    /// not yet available keys, and leaves those out; so are keys that begin with x-.
    [[nodiscard]] std::vector<Entry> entries(const YAML::Node& node, const std::string& prefix);
    /// The entries of a map whose keys are names that the user chose: letters, digits, _ and -, at most 32.
    [[nodiscard]] std::vector<Entry> named_entries(const YAML::Node& node, const std::string& what);

    /// Scalars are taken as they are written: `no`, `012` and `1e3` are texts.
    [[nodiscard]] std::optional<std::string> text(const Entry& entry);
    [[nodiscard]] std::optional<int> integer(const Entry& entry, int low, int high);
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(const Entry& entry, std::chrono::milliseconds low);
    [[nodiscard]] std::optional<std::string> choice(const Entry& entry, const std::vector<std::string>& choices,
                                                    const std::vector<std::string>& later);
    /// A path that begins with a slash, as it stands in a URL.
    [[nodiscard]] std::optional<std::string> url_path(const Entry& entry, const YAML::Node& value);
    [[nodiscard]] std::optional<std::string> existing_file(const Entry& entry);
    [[nodiscard]] std::optional<std::string> existing_folder(const Entry& entry);
    /// One scalar, or each of a list of scalars.
    void each_scalar(const Entry& entry, const std::function<void(const YAML::Node&)>& visit);

private:
    [[nodiscard]] bool is_known(const YAML::Node& key, const std::string& name, const std::string& prefix);
    [[nodiscard]] std::vector<Entry> unique_entries(const YAML::Node& node, const std::string& what);
    [[nodiscard]] std::optional<std::string> existing_path(const Entry& entry);

    Problems& problems_;
    std::string folder_;
};

} // namespace mpsup
