#include "supervisor/topology/interpolate.h"

#include "supervisor/topology/source_text.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace mpsup::topology {

namespace {

constexpr const char* forms = "${NAME}, ${NAME:-default}, ${NAME:?message}; $$ for a dollar sign";

bool begins_name(char c) { return is_letter(c) || c == '_'; }
bool continues_name(char c) { return begins_name(c) || is_digit(c); }

/// Why a text cannot be expanded, and where in it.
struct Fault {
    std::size_t at;
    std::string message;
    std::string suggestion;
};

/// One pass over one text.
class Expansion {
public:
    Expansion(std::string_view text, const Variables& variables) : text_(text), variables_(variables) {}

    std::string run() { return part(0, true); }
    [[nodiscard]] const std::optional<Fault>& fault() const noexcept { return fault_; }

private:
    std::string fail(std::size_t at, std::string message, std::string suggestion) {
        if (!fault_) fault_ = Fault{at, std::move(message), std::move(suggestion)};
        return {};
    }

    // To the end, or to the brace that closes the variable whose default it is. What is not wanted is looked up by nobody.
    std::string part(int depth, bool wanted) {
        std::string result;
        while (!fault_ && at_ < text_.size() && (depth == 0 || text_[at_] != '}')) {
            const auto start = at_;
            result += text_[at_] == '$' ? dollar(depth, wanted) : std::string(1, text_[at_++]);
            if (result.size() > max_expanded_value) return fail(start, "a value of more than 64KiB", "a shorter one");
        }
        return result;
    }

    std::string dollar(int depth, bool wanted) {
        const auto start = at_;
        const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (next == '{') return braces(depth, wanted);
        at_ += next == '$' ? 2 : 1;
        if (!begins_name(next)) return "$";
        const std::string name = take_name();
        return fail(start, in_ticks("$" + name) + ": a variable has braces",
                    in_ticks("${" + name + "}") + ", or " + in_ticks("$$" + name) + " for the text itself");
    }

    std::string take_name() {
        const auto start = at_;
        if (at_ < text_.size() && begins_name(text_[at_]))
            while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        return std::string(text_.substr(start, at_ - start));
    }

    std::string braces(int depth, bool wanted) {
        const auto start = at_;
        if (depth >= max_nested_variables)
            return fail(start, "variables nested deeper than 16 levels", "fewer defaults within defaults");
        at_ += 2;
        const std::string name = take_name();
        if (name.empty()) return fail(start, "`${` without the name of a variable behind it", forms);
        const bool has_colon = accept(':');
        if (!has_colon && accept('}')) return plain(start, name, wanted);
        for (const char operation : {'-', '?', '+'})
            if (accept(operation)) return conditional({start, name, operation, has_colon}, depth, wanted);
        if (at_ >= text_.size()) return never_closed(start);
        return fail(start, "`${" + name + "` goes on with something unknown", forms);
    }

    struct Condition {
        std::size_t start;
        const std::string& name;
        char operation;
        bool has_colon; // an empty variable is as good as none
    };

    std::string conditional(const Condition& condition, int depth, bool wanted) {
        auto value = wanted ? variables_(condition.name) : std::nullopt;
        if (value && condition.has_colon && value->empty()) value.reset();
        const bool replaces = condition.operation == '+' ? value.has_value() : !value.has_value();
        std::string rest = part(depth + 1, wanted && replaces);
        if (fault_) return {};
        if (!accept('}')) return never_closed(condition.start);
        if (!wanted || (condition.operation == '+' && !replaces)) return {};
        if (value && !replaces) return checked(condition.start, condition.name, std::move(*value));
        if (condition.operation != '?') return rest;
        return fail(condition.start,
                    "the variable " + in_ticks(condition.name) + (rest.empty() ? " is not set" : ": " + rest),
                    "set it in the environment of this command: " + condition.name + "=… mpsup …");
    }

    std::string plain(std::size_t start, const std::string& name, bool wanted) {
        if (!wanted) return {};
        auto value = variables_(name);
        if (value) return checked(start, name, std::move(*value));
        return fail(start, "the variable " + in_ticks(name) + " is not set",
                    "set it in the environment of this command, or write a default: ${" + name + ":-…}");
    }

    std::string checked(std::size_t start, const std::string& name, std::string value) {
        if (is_utf8(value)) return value;
        return fail(start, "the variable " + in_ticks(name) + " is not valid UTF-8", "set it to text");
    }

    std::string never_closed(std::size_t start) {
        return fail(start, "`${` is never closed", "a `}` behind it, or `$$` for a dollar sign");
    }

    bool accept(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    std::string_view text_;
    const Variables& variables_;
    std::size_t at_ = 0;
    std::optional<Fault> fault_;
};

/// A tree with the same sharing as the one that was read.
class Replacement {
public:
    Replacement(std::string_view text, const Variables& variables, int file)
        : text_(text), variables_(variables), file_(file) {}

    NodePtr of(const NodePtr& node) {
        const auto [known, is_new] = done_.emplace(node.get(), nullptr);
        if (!is_new) return known->second;
        NodePtr replaced = node->type == Node::Type::scalar ? scalar(*node) : collection(*node);
        done_[node.get()] = replaced;
        return replaced;
    }

private:
    NodePtr collection(const Node& node) {
        auto copy = std::make_shared<Node>(node);
        copy->mark.file = file_;
        for (auto& item : copy->items) item = of(item);
        for (auto& entry : copy->entries) {
            entry.key_mark.file = file_;
            entry.value = of(entry.value);
        }
        return copy;
    }

    NodePtr scalar(const Node& node) {
        auto copy = std::make_shared<Node>(node);
        copy->mark.file = file_;
        if (!node.text.contains('$')) return copy;
        Expansion expansion(node.text, variables_);
        copy->text = expansion.run();
        expanded_ += copy->text.size();
        std::optional<Fault> fault = expansion.fault();
        if (!fault && expanded_ > max_expanded_values)
            fault = Fault{0, "values of more than 4MiB in all", "fewer variables"};
        if (fault)
            copy->fault = std::make_shared<Finding>(Finding{place(*copy, node.text, fault->at), "",
                                                            std::move(fault->message), std::move(fault->suggestion)});
        return copy;
    }

    // Of a part of a scalar: exact where it stands in one line and as it is, else where the scalar begins.
    [[nodiscard]] Mark place(const Node& node, std::string_view written, std::size_t at) const {
        const auto line = line_of(text_, node.mark.line);
        auto column = static_cast<std::size_t>(std::max(node.mark.column, 1)) - 1;
        if (column < line.size() && (line[column] == '"' || line[column] == '\'')) ++column;
        if (column > line.size() || !line.substr(column).starts_with(written.substr(0, at + 1))) return node.mark;
        Mark mark = node.mark;
        mark.column = static_cast<int>(column + at) + 1;
        return mark;
    }

    std::string_view text_;
    const Variables& variables_;
    int file_;
    std::map<const Node*, NodePtr> done_;
    std::size_t expanded_ = 0;
};

} // namespace

std::optional<std::string> variable_of_process(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

NodePtr interpolate(const NodePtr& root, std::string_view text, const Variables& variables, int file) {
    return Replacement(text, variables, file).of(root);
}

} // namespace mpsup::topology
