#include "supervisor/topology/source_text.h"

#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace mpsup::topology {

namespace {

constexpr std::size_t shown_bytes = 160; // of one line

std::optional<std::string> refuse_character(std::string_view rest, bool indenting) {
    const auto c = static_cast<unsigned char>(rest.front());
    if (c == 0) return "a NUL byte; is this a text file?";
    if (c == '\t' && indenting) return "a tab in the indentation; use spaces";
    if (c == '\r' && (rest.size() < 2 || rest[1] != '\n')) return "a carriage return that ends no line";
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return "a control character";
    return std::nullopt;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

int count_characters(std::string_view bytes) {
    return static_cast<int>(std::ranges::count_if(bytes, [](char c) { return !continues_character(c); }));
}

/// The line, cut to what is worth showing around byte `column`.
std::string excerpt(std::string_view line, std::size_t column) {
    if (line.size() <= shown_bytes) return std::string(line);
    std::size_t from = column > shown_bytes / 2 ? column - shown_bytes / 2 : 0;
    while (from > 0 && continues_character(line[from])) --from;
    std::size_t to = std::min(from + shown_bytes, line.size());
    while (to < line.size() && continues_character(line[to])) ++to;
    return (from > 0 ? "…" : "") + std::string(line.substr(from, to - from)) + (to < line.size() ? "…" : "");
}

/// Safe on any terminal: control characters become '?', and so does what is not UTF-8.
std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const auto length = utf8_character(text);
        const auto lead = static_cast<unsigned char>(text.front());
        const bool c1 = length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
        if (length == 0 || c1 || lead == 0x7F || (lead < 0x20 && lead != '\t'))
            result += '?';
        else
            result += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = utf8_character(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string_view line_of(std::string_view text, int line) noexcept {
    std::size_t start = 0;
    for (int i = 1; i < line; ++i) {
        const auto end = text.find('\n', start);
        if (end == std::string_view::npos) return {};
        start = end + 1;
    }
    auto found = text.substr(start, text.find('\n', start) - start);
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found;
}

std::optional<Finding> check_text(std::string_view text) {
    Mark mark{1, 1};
    bool indenting = true;
    bool anything = false;
    int open_brackets = 0;
    while (!text.empty()) {
        if (auto refused = refuse_character(text, indenting)) return Finding{mark, "", *refused};
        const auto length = utf8_character(text);
        if (length == 0) return Finding{mark, "", "not valid UTF-8"};
        if (text.front() == '\n') {
            mark = {mark.line + 1, 1};
            indenting = true;
        } else {
            mark.column += static_cast<int>(length);
            indenting = indenting && text.front() == ' ';
            anything = anything || !(text.front() == ' ' || text.front() == '\r');
        }
        if (text.front() == '[' || text.front() == '{') ++open_brackets;
        if (text.front() == ']' || text.front() == '}') --open_brackets;
        if (open_brackets > max_open_brackets)
            return Finding{mark, "", "nested deeper than " + std::to_string(max_nesting) + " levels"};
        if (mark.column > static_cast<int>(max_line_bytes)) return Finding{mark, "", "a line of more than 8KiB"};
        text.remove_prefix(length);
    }
    if (!anything) return Finding{{}, "", "the file is empty"};
    return std::nullopt;
}

Problems to_problems(Findings findings, const Sources& sources) {
    std::ranges::stable_sort(findings, {}, &Finding::mark);
    Problems problems;
    const auto left_out = findings.size() > max_problems ? findings.size() - max_problems : 0;
    findings.resize(findings.size() - left_out);
    for (auto& finding : findings) {
        const Source& source = sources.at(static_cast<std::size_t>(finding.mark.file));
        Problem problem{
            source.name,        finding.mark.line, 0, std::move(finding.message), "", std::move(finding.suggestion),
            finding.is_warning, finding.code};
        if (problem.line > 0) {
            const auto line = line_of(source.text, problem.line);
            const auto column = std::min(static_cast<std::size_t>(std::max(finding.mark.column, 1)) - 1, line.size());
            problem.column = count_characters(line.substr(0, column)) + 1;
            problem.source_line = excerpt(line, column);
        }
        problems.push_back(std::move(problem));
    }
    if (left_out > 0)
        problems.push_back(
            Problem{sources.front().name, 0, 0, "and " + std::to_string(left_out) + " more problems", "", ""});
    return problems;
}

std::string format_problems(const Problems& problems) {
    std::string result;
    for (const auto& problem : problems) {
        result += printable(problem.file) + ":";
        if (problem.line > 0) result += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ":";
        result += (problem.is_warning ? " warning: " : " error: ") + printable(problem.message);
        result += (problem.code.empty() ? "" : " [" + std::string(problem.code) + "]") + "\n";
        if (problem.line > 0) {
            const auto line = printable(problem.source_line);
            result += "    " + line + "\n    ";
            // A shortened line shows its place by the column alone.
            int left = problem.column - 1;
            const bool shortened = line.starts_with("…") || left > count_characters(line);
            for (std::size_t i = 0; !shortened && left > 0; ++i) {
                if (i < line.size() && continues_character(line[i])) continue;
                result += i < line.size() && line[i] == '\t' ? '\t' : ' ';
                --left;
            }
            result += shortened ? "(column " + std::to_string(problem.column) + ")\n" : "^\n";
        }
        if (!problem.suggestion.empty()) result += "    " + printable(problem.suggestion) + "\n";
    }
    return result;
}

} // namespace mpsup::topology
