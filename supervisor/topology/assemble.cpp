#include "supervisor/topology/assemble.h"

#include "base/fd.h"
#include "supervisor/topology/duplicates.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"
#include "supervisor/topology/yaml_reader.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {

namespace {

namespace fs = std::filesystem;

std::string reason(const Error& error) {
    if (error.code == std::errc::file_too_large) return "larger than 512KiB; is this a topology file?";
    if (error.code == std::errc::is_a_directory) return "is a folder";
    if (error.code == std::errc::invalid_argument) return "not a regular file";
    if (error.code == std::errc::no_such_file_or_directory) return "there is no such file";
    return error.code.message();
}

/// Everybody may write it, and we are somebody who should not do what everybody says.
bool is_unsafe_for_root(const Fd& file) {
    struct stat status{};
    return ::geteuid() == 0 && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & S_IWOTH) != 0;
}

/// One file by whatever name.
std::string identity_of(const std::string& path) {
    std::error_code error;
    const auto canonical = fs::canonical(path, error);
    return error ? path : canonical.string();
}

class Assembly {
public:
    explicit Assembly(const Variables& variables) : variables_(variables) {}

    std::expected<Assembled, Problems> run(std::vector<Source> named) {
        NodePtr root;
        for (Source& source : named) {
            NodePtr part = add(std::move(source));
            if (!fatal_.empty()) return std::unexpected(to_problems(std::move(fatal_), sources_));
            root = root ? merge(root, part) : std::move(part);
        }
        return Assembled{std::move(root), std::move(sources_), std::move(findings_)};
    }

private:
    /// An include that is being followed.
    struct Step {
        std::string file;  // identity_of
        std::string place; // "a.yaml:3:10", of its `include`
    };

    NodePtr stop(Finding finding) {
        fatal_.push_back(std::move(finding));
        return nullptr;
    }

    // Null when something is fatal.
    NodePtr add(Source source) {
        const auto index = static_cast<int>(sources_.size());
        bytes_ += source.text.size();
        sources_.push_back(std::move(source));
        if (sources_.size() > max_files) return stop({{0, 0, index}, "", "more than 64 files", "fewer includes"});
        if (bytes_ > max_text_bytes)
            return stop({{0, 0, index}, "", "files of more than 4MiB in all", "fewer includes"});
        auto root = parse(index);
        if (!root) return stop(std::move(root.error()));
        append(findings_, find_duplicates(**root));
        return with_includes(*root, index);
    }

    std::expected<NodePtr, Finding> parse(int index) {
        const std::string_view text = sources_[static_cast<std::size_t>(index)].text;
        auto refused = check_text(text);
        auto root = refused ? std::unexpected(std::move(*refused)) : read_yaml(text);
        if (root) return interpolate(*root, text, variables_, index);
        root.error().mark.file = index;
        return root;
    }

    NodePtr with_includes(const NodePtr& root, int index) {
        const Node* const list = entry(root.get(), "include");
        if (!list) return root;
        NodePtr base;
        for (const Node* const item : one_or_many(*list)) {
            NodePtr part = include(*item, index);
            if (!part) return nullptr;
            base = base ? merge(base, part) : std::move(part);
        }
        auto own = std::make_shared<Node>(*root);
        std::erase_if(own->entries, [](const Node::Entry& each) { return each.key == "include"; });
        return base ? merge(base, own) : own;
    }

    NodePtr include(const Node& item, int index) {
        if (item.fault) return stop(*item.fault);
        if (item.type != Node::Type::scalar || item.text.empty() || item.text.contains('\0'))
            return stop({item.mark, "include", "`include` must be the path of a file, or a list of such",
                         "include: [common.yaml]"});
        const Source& source = sources_[static_cast<std::size_t>(index)];
        const fs::path path = (fs::path(source.folder) / item.text).lexically_normal();
        const std::string place = place_of(item.mark, source);
        if (chain_.empty()) first_ = identity_of((fs::path(source.folder) / fs::path(source.name).filename()).string());
        const std::string file = identity_of(path.string());
        const auto is_same = [&](const Step& step) { return step.file == file; };
        if (file == first_ || std::ranges::any_of(chain_, is_same))
            return stop({item.mark, "include", "an include cycle: " + chain_text() + place + " → " + item.text,
                         "take one of them away"});
        if (chain_.size() >= max_include_depth)
            return stop({item.mark, "include", "files included deeper than 16 levels: " + chain_text() + place,
                         "include the last of them in the first"});
        auto read = read_source(path.string());
        if (!read)
            return stop({item.mark, "include", in_ticks(path.string()) + ": " + read.error(),
                         "a path starts from the folder of this file"});
        read->name = (fs::path(source.name).parent_path() / item.text).lexically_normal().string();
        chain_.push_back({file, place});
        NodePtr part = add(std::move(*read));
        chain_.pop_back();
        return part;
    }

    static std::string place_of(Mark mark, const Source& source) {
        return source.name + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
    }
    [[nodiscard]] std::string chain_text() const {
        std::string text;
        for (const Step& step : chain_) text += step.place + " → ";
        return text;
    }

    const Variables& variables_;
    Sources sources_;
    Findings findings_;
    Findings fatal_;
    std::vector<Step> chain_;
    std::string first_; // the file that the chain begins in
    std::size_t bytes_ = 0;
};

} // namespace

std::expected<Source, std::string> read_source(const std::string& path) {
    const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return std::unexpected(reason(file.error()));
    if (is_unsafe_for_root(*file))
        return std::unexpected("everybody may write this file, and it would be obeyed as root; chmod o-w it");
    auto text = read_file(*file, path, max_file_bytes);
    if (!text) return std::unexpected(reason(text.error()));
    std::error_code error;
    const auto absolute = fs::absolute(path, error);
    if (error) return std::unexpected(error.message());
    return Source{path, absolute.lexically_normal().parent_path().string(), std::move(*text)};
}

NodePtr merge(const NodePtr& base, const NodePtr& over) {
    if (base->type != Node::Type::map || over->type != Node::Type::map) return over;
    auto merged = std::make_shared<Node>(*over);
    merged->entries.clear();
    std::map<std::string_view, const Node::Entry*> above; // the first of that name counts
    for (const auto& each : over->entries) above.emplace(each.key, &each);
    std::set<std::string_view> taken;
    for (const auto& each : base->entries) {
        if (!taken.insert(each.key).second) continue;
        const auto found = above.find(each.key);
        merged->entries.push_back(found == above.end() ? each
                                                       : Node::Entry{each.key, found->second->key_mark,
                                                                     merge(each.value, found->second->value)});
    }
    for (const auto& each : over->entries)
        if (taken.insert(each.key).second) merged->entries.push_back(each);
    return merged;
}

std::expected<Assembled, Problems> assemble(std::vector<Source> named, const Variables& variables) {
    return Assembly(variables).run(std::move(named));
}

} // namespace mpsup::topology
