#include "supervisor/topology/yaml_reader.h"

#include "supervisor/topology/load.h"
#include "supervisor/topology/source_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace mpsup::topology {

namespace {

/// Thrown through yaml-cpp and caught in read_yaml: the parser has no other way to be stopped.
struct Refusal {
    Finding finding;
};

Mark to_mark(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {mark.line + 1, mark.column + 1}; // yaml-cpp counts from 0, columns in bytes
}

/// yaml-cpp takes a quoted scalar whose end is missing for one that ends with the file.
bool is_closed(std::string_view text, std::size_t start) {
    while (start < text.size() && (text[start] == '&' || text[start] == '!')) { // properties stand before the scalar
        start = std::min(text.find_first_of(" \t\r\n", start), text.size());
        start = std::min(text.find_first_not_of(" \t\r\n", start), text.size());
    }
    if (start >= text.size() || (text[start] != '\'' && text[start] != '"')) return true;
    const char quote = text[start];
    for (auto i = start + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\')
            ++i;
        else if (quote == '\'' && text[i] == quote && i + 1 < text.size() && text[i + 1] == quote)
            ++i;
        else if (text[i] == quote)
            return true;
    }
    return false;
}

/// What somebody may have meant whose line is no YAML.
std::string hint(std::string_view line) {
    return line.contains("${") ? "within {…} and […] a value with a variable needs quotes: \"${NAME}\"" : "";
}

class TreeBuilder final : public YAML::EventHandler {
public:
    explicit TreeBuilder(std::string_view text) noexcept : text_(text) {}

    [[nodiscard]] NodePtr root() const { return root_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ > 0) stop(mark, "a second document; one file describes one site");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        auto node = leaf(mark);
        // The mark of a value that is not there is whatever comes next.
        if (!levels_.empty() && levels_.back().key && levels_.back().key_mark.line != node->mark.line)
            node->mark = levels_.back().key_mark;
        add(std::move(node), anchor, mark);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (++alias_uses_ > max_alias_uses) stop(mark, "more than " + std::to_string(max_alias_uses) + " aliases");
        const auto found = anchors_.find(anchor);
        // The parser knows the anchor; its node is not here only while it is being built.
        if (found == anchors_.end()) stop(mark, "this alias contains itself");
        count(found->second.weight, mark);
        place(found->second.node, mark);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_tag(tag, mark);
        if (tag == "!" && !is_closed(text_, static_cast<std::size_t>(mark.pos)))
            stop(mark, "this quote is never closed");
        auto node = leaf(mark);
        node->type = Node::Type::scalar;
        node->text = value;
        // "?" marks a plain scalar: a quoted "<<" is an ordinary (unknown) key.
        if (expects_key() && tag == "?" && value == "<<")
            stop(mark, "merge keys (<<) are not taken; write the keys out, or alias a whole value");
        add(std::move(node), anchor, mark);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(Node::Type::sequence, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(Node::Type::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Level {
        std::shared_ptr<Node> node;
        YAML::anchor_t anchor;
        std::size_t values_before; // read when it was opened
        Mark key_mark{};
        std::optional<std::string> key{}; // read, its value not yet
    };
    struct Anchored {
        NodePtr node;
        std::size_t weight; // values it stands for
    };

    [[noreturn]] static void stop(const YAML::Mark& mark, std::string message) {
        throw Refusal{{to_mark(mark), "", std::move(message)}};
    }
    static std::shared_ptr<Node> leaf(const YAML::Mark& mark) {
        auto node = std::make_shared<Node>();
        node->mark = to_mark(mark);
        return node;
    }
    static void refuse_tag(const std::string& tag, const YAML::Mark& mark) {
        if (!tag.empty() && tag != "?" && tag != "!") stop(mark, "tags are not taken: " + tag.substr(0, 60));
    }
    [[nodiscard]] bool expects_key() const {
        return !levels_.empty() && levels_.back().node->type == Node::Type::map && !levels_.back().key;
    }

    void count(std::size_t weight, const YAML::Mark& mark) {
        values_ += weight;
        if (values_ > max_values) stop(mark, "more than " + std::to_string(max_values) + " values");
    }
    void open(Node::Type type, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        refuse_tag(tag, mark);
        if (expects_key()) stop(mark, "a key must be plain text");
        if (levels_.size() >= static_cast<std::size_t>(max_nesting))
            stop(mark, "nested deeper than " + std::to_string(max_nesting) + " levels");
        auto node = leaf(mark);
        node->type = type;
        levels_.push_back({std::move(node), anchor, values_});
        count(1, mark);
    }
    void close() {
        auto level = std::move(levels_.back());
        levels_.pop_back();
        if (level.anchor != YAML::NullAnchor) anchors_[level.anchor] = {level.node, values_ - level.values_before};
        place(std::move(level.node), {});
    }
    void add(std::shared_ptr<Node> node, YAML::anchor_t anchor, const YAML::Mark& mark) {
        count(1, mark);
        if (anchor != YAML::NullAnchor) anchors_[anchor] = {node, 1};
        place(std::move(node), mark);
    }
    void place(NodePtr node, const YAML::Mark& mark) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        auto& level = levels_.back();
        if (level.node->type == Node::Type::sequence) {
            level.node->items.push_back(std::move(node));
        } else if (!level.key) {
            if (node->type != Node::Type::scalar) stop(mark, "a key must be plain text");
            level.key = node->text;
            level.key_mark = to_mark(mark);
        } else {
            level.node->entries.push_back({*std::exchange(level.key, {}), level.key_mark, std::move(node)});
        }
    }

    std::string_view text_;
    NodePtr root_;
    std::vector<Level> levels_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t values_ = 0;
    int alias_uses_ = 0;
    int documents_ = 0;
};

} // namespace

std::expected<NodePtr, Finding> read_yaml(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3); // a byte order mark
    TreeBuilder builder(text);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Refusal& refusal) {
        return std::unexpected(refusal.finding);
    } catch (const YAML::Exception& error) {
        return std::unexpected(
            Finding{to_mark(error.mark), "", "not YAML: " + error.msg, hint(line_of(text, to_mark(error.mark).line))});
    } catch (const std::exception& error) {
        return std::unexpected(Finding{{}, "", std::string("not YAML: ") + error.what()});
    }
    if (!builder.root() || builder.root()->type == Node::Type::null)
        return std::unexpected(Finding{{}, "", "the file says nothing"});
    return builder.root();
}

} // namespace mpsup::topology
