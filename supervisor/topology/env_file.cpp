#include "supervisor/topology/env_file.h"

#include "supervisor/topology/source_text.h"
#include "supervisor/topology/suggest.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace mpsup::topology {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7F;
}

std::string with_unix_lines(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3); // a byte order mark
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') result += text[i];
    return result;
}

/// What a value says before its variables are put in.
struct Written {
    std::string text;
    bool is_literal = false;
};

class Reading {
public:
    Reading(std::string_view text, const Variables& variables, int file)
        : text_(with_unix_lines(text)), variables_(variables), file_(file) {
        map_->type = Node::Type::map;
        map_->mark = {1, 1, file};
    }

    EnvFile run() {
        if (is_text())
            while (at_ < text_.size() && !is_over_) line();
        return {std::move(map_), std::move(findings_)};
    }

private:
    [[nodiscard]] Mark here() const { return {line_, static_cast<int>(at_ - line_start_) + 1, file_}; }
    [[nodiscard]] bool at_end_of_line() const { return at_ >= text_.size() || text_[at_] == '\n'; }
    void complain(Mark mark, std::string message, std::string suggestion = {}) {
        findings_.push_back({mark, "", std::move(message), std::move(suggestion)});
    }

    bool is_text() {
        int line = 1;
        for (std::size_t start = 0; start < text_.size(); ++line) {
            const auto end = std::min(text_.find('\n', start), text_.size());
            const auto bytes = std::string_view(text_).substr(start, end - start);
            const auto odd = std::ranges::find_if(bytes, is_control);
            if (odd != bytes.end())
                complain({line, static_cast<int>(odd - bytes.begin()) + 1, file_}, "a control character");
            if (!is_utf8(bytes)) complain({line, 1, file_}, "not valid UTF-8");
            if (!findings_.empty()) return false;
            start = end + 1;
        }
        return true;
    }

    void next() {
        if (text_[at_] == '\n') {
            ++line_;
            line_start_ = at_ + 1;
        }
        ++at_;
    }
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    void skip_line() {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ < text_.size()) next();
    }

    void line() {
        skip_blanks();
        if (!at_end_of_line() && text_[at_] != '#') variable();
        skip_line();
    }

    void variable() {
        Mark mark = here();
        std::string name = take_word();
        skip_blanks();
        if (name == "export" && !at_end_of_line() && text_[at_] != '=') {
            mark = here();
            name = take_word();
            skip_blanks();
        }
        if (at_end_of_line() || text_[at_] != '=') return complain(mark, no_value(name), "NAME=value, a line each");
        if (name.empty()) return complain(mark, "there is no name before the `=`", "NAME=value, a line each");
        ++at_;
        const Mark place = value_place();
        if (auto value = take_value()) add(std::move(name), mark, place, std::move(*value));
    }

    static std::string no_value(const std::string& name) { return in_ticks(name) + " has no `=` behind it"; }

    std::string take_word() {
        const auto start = at_;
        while (!at_end_of_line() && !is_blank(text_[at_]) && text_[at_] != '=') ++at_;
        return text_.substr(start, at_ - start);
    }

    // Where a value stands that has blanks before it.
    [[nodiscard]] Mark value_place() {
        const auto start = at_;
        skip_blanks();
        const Mark mark = here();
        if (!at_end_of_line() && text_[at_] == '#') at_ = start; // the blanks say whether it is a comment
        return mark;
    }

    std::optional<Written> take_value() {
        if (at_ < text_.size() && text_[at_] == '"') return double_quoted();
        if (at_ < text_.size() && text_[at_] == '\'') return single_quoted();
        return unquoted();
    }

    std::optional<Written> unquoted() {
        const auto start = at_;
        while (!at_end_of_line() && !(text_[at_] == '#' && at_ > start && is_blank(text_[at_ - 1]))) ++at_;
        auto end = at_;
        while (end > start && is_blank(text_[end - 1])) --end;
        if (end > start && text_[end - 1] == '\\') {
            at_ = end - 1;
            complain(here(), "a backslash at the end of a line: a value does not go on in the next one",
                     "quotes around a value of several lines, or one that ends so");
            return std::nullopt;
        }
        return Written{text_.substr(start, end - start)};
    }

    std::optional<Written> single_quoted() {
        const Mark mark = here();
        const auto start = ++at_;
        while (at_ < text_.size() && text_[at_] != '\'') next();
        if (at_ >= text_.size()) return never_closed(mark);
        Written value{text_.substr(start, at_++ - start), true};
        return is_all() ? std::optional(std::move(value)) : std::nullopt;
    }

    std::optional<Written> double_quoted() {
        const Mark mark = here();
        Written value;
        ++at_;
        bool is_good = true;
        for (; at_ < text_.size() && text_[at_] != '"'; next()) {
            if (text_[at_] != '\\')
                value.text += text_[at_];
            else
                is_good = escape(value.text) && is_good;
        }
        if (at_ >= text_.size()) return never_closed(mark);
        ++at_;
        return is_all() && is_good ? std::optional(std::move(value)) : std::nullopt;
    }

    // At a backslash; afterwards at the last character of it.
    bool escape(std::string& into) {
        static const std::map<char, std::string_view> escapes{{'n', "\n"},  {'r', "\r"}, {'t', "\t"},
                                                              {'\\', "\\"}, {'"', "\""}, {'$', "$$"}};
        const auto found = at_ + 1 < text_.size() ? escapes.find(text_[at_ + 1]) : escapes.end();
        if (found == escapes.end()) {
            complain(here(), R"(an unknown escape: \n \r \t \\ \" \$ are known)",
                     "`\\\\` for a backslash, or single quotes");
            return false;
        }
        into += found->second;
        ++at_;
        return true;
    }

    std::optional<Written> never_closed(Mark mark) {
        is_over_ = true; // what follows is taken for the value
        complain(mark, "this quote is never closed");
        return std::nullopt;
    }

    // Behind a closing quote.
    bool is_all() {
        const auto start = at_;
        skip_blanks();
        if (at_end_of_line() || (text_[at_] == '#' && at_ > start)) return true;
        complain(here(), "something behind the closing quote", "a comment has a blank before its `#`");
        return false;
    }

    void add(std::string name, Mark mark, Mark place, Written value) {
        if (map_->entries.size() >= max_env_variables) {
            is_over_ = true;
            return complain(mark, "more than " + std::to_string(max_env_variables) + " variables in one file");
        }
        const auto [known, is_new] = lines_.emplace(name, mark.line);
        if (!is_new)
            return complain(mark, in_ticks(name) + " stands twice, first at line " + std::to_string(known->second));
        auto node = std::make_shared<Node>();
        node->type = Node::Type::scalar;
        node->mark = place;
        node->text = std::move(value.text);
        NodePtr text = node;
        if (!value.is_literal) text = with_variables(text);
        bytes_ += text->text.size();
        if (bytes_ > max_expanded_values) {
            is_over_ = true;
            return complain(mark, "values of more than 4MiB in all", "fewer variables");
        }
        if (!text->fault) values_.emplace(name, text->text);
        map_->entries.push_back({std::move(name), mark, std::move(text)});
    }

    [[nodiscard]] NodePtr with_variables(const NodePtr& node) const {
        const Variables known = [this](const std::string& name) -> std::optional<std::string> {
            if (auto value = variables_(name)) return value;
            const auto found = values_.find(name);
            return found == values_.end() ? std::nullopt : std::optional(found->second);
        };
        return interpolate(node, text_, known, file_);
    }

    const std::string text_;
    const Variables& variables_;
    const int file_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    int line_ = 1;
    bool is_over_ = false;
    std::size_t bytes_ = 0; // of all values
    std::shared_ptr<Node> map_ = std::make_shared<Node>();
    std::map<std::string, int> lines_;          // of each name
    std::map<std::string, std::string> values_; // that were said so far
    Findings findings_;
};

} // namespace

EnvFile read_env_file(std::string_view text, const Variables& variables, int file) {
    return Reading(text, variables, file).run();
}

} // namespace mpsup::topology
