#include "supervisor/topology/assemble.h"

#include "base/fd.h"
#include "supervisor/topology/duplicates.h"
#include "supervisor/topology/env_file.h"
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

constexpr const char* from_folder = "a path starts from the folder of this file";

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
        root = with_env_files(root);
        if (!fatal_.empty()) return std::unexpected(to_problems(std::move(fatal_), sources_));
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

    // Its number; negative when there are too many.
    int count(Source source) {
        const auto index = static_cast<int>(sources_.size());
        bytes_ += source.text.size();
        sources_.push_back(std::move(source));
        if (sources_.size() > max_files) stop({{0, 0, index}, "", "more than 64 files", "fewer includes"});
        if (bytes_ > max_text_bytes) stop({{0, 0, index}, "", "files of more than 4MiB in all", "fewer includes"});
        return fatal_.empty() ? index : -1;
    }

    // Null when something is fatal.
    NodePtr add(Source source) {
        const int index = count(std::move(source));
        if (index < 0) return nullptr;
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
        if (!is_path(item))
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
        if (!read) return stop({item.mark, "include", in_ticks(path.string()) + ": " + read.error(), from_folder});
        read->name = (fs::path(source.name).parent_path() / item.text).lexically_normal().string();
        chain_.push_back({file, place});
        NodePtr part = add(std::move(*read));
        chain_.pop_back();
        return part;
    }

    // Each `env_file` of a worker is merged under its `env`.
    NodePtr with_env_files(const NodePtr& root) {
        const Node* const workers = entry(root.get(), "workers");
        if (!workers) return root;
        auto all = std::make_shared<Node>(*workers);
        for (auto& worker : all->entries)
            if (entry(worker.value.get(), "env_file")) worker.value = with_env_file(*worker.value);
        auto whole = std::make_shared<Node>(*root);
        for (auto& each : whole->entries)
            if (each.value.get() == workers) each.value = all;
        return whole;
    }

    NodePtr with_env_file(const Node& worker) {
        auto result = std::make_shared<Node>(worker);
        NodePtr variables;
        for (const Node* const item : one_or_many(*entry(&worker, "env_file"))) {
            NodePtr part = env_file(*item);
            if (part) variables = variables ? merge(variables, part) : std::move(part);
        }
        std::erase_if(result->entries, [](const Node::Entry& each) { return each.key == "env_file"; });
        const auto own = std::ranges::find(result->entries, "env", &Node::Entry::key);
        if (!variables || !fits(*variables)) return result;
        if (own == result->entries.end())
            result->entries.push_back({"env", variables->mark, variables});
        else if (own->value->type == Node::Type::map) // else its own error comes
            own->value = merge(variables, own->value);
        return result;
    }

    // Many workers may share one file.
    bool fits(const Node& variables) {
        for (const auto& [name, mark, value] : variables.entries) bytes_ += name.size() + value->text.size();
        if (bytes_ > max_text_bytes) stop({variables.mark, "", "variables of more than 4MiB in all", "fewer of them"});
        return fatal_.empty();
    }

    // Null when it is not to be had.
    NodePtr env_file(const Node& item) {
        const auto refuse = [&](Finding finding) {
            finding.key = "env_file";
            findings_.push_back(std::move(finding));
            return nullptr;
        };
        if (item.fault) return refuse(*item.fault);
        if (!is_path(item))
            return refuse({item.mark, "", "`env_file` must be the path of a file, or a list of such",
                           "env_file: [common.env, secret.env]"});
        const Source& by = sources_[static_cast<std::size_t>(item.mark.file)];
        const std::string path = (fs::path(by.folder) / item.text).lexically_normal().string();
        const std::string shown = (fs::path(by.name).parent_path() / item.text).lexically_normal().string();
        auto [known, is_new] = env_files_.emplace(path, nullptr);
        if (is_new) {
            auto source = read_source(path, "an env_file");
            if (!source) return refuse({item.mark, "", in_ticks(path) + ": " + source.error(), from_folder});
            source->name = shown;
            const int index = count(std::move(*source));
            if (index < 0) return nullptr;
            auto read = read_env_file(sources_.back().text, variables_, index);
            append(findings_, read.findings);
            known->second = std::move(read.variables);
        }
        return known->second;
    }

    static bool is_path(const Node& item) {
        return item.type == Node::Type::scalar && !item.text.empty() && !item.text.contains('\0');
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
    std::map<std::string, NodePtr> env_files_; // by path; null: could not be read
    std::string first_;                        // the file that the chain begins in
    std::size_t bytes_ = 0;
};

} // namespace

std::expected<Source, std::string> read_source(const std::string& path, std::string_view kind) {
    const std::string too_large = "larger than 512KiB; is this " + std::string(kind) + "?";
    const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return std::unexpected(unreadable(file.error(), too_large));
    if (is_unsafe_for_root(*file))
        return std::unexpected("everybody may write this file, and it would be obeyed as root; chmod o-w it");
    auto text = read_file(*file, path, max_file_bytes);
    if (!text) return std::unexpected(unreadable(text.error(), too_large));
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
