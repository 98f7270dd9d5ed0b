#include "worker/contract/path_language.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::contract {

namespace {

constexpr std::size_t most_steps = 20'000; // of a comparison
constexpr char other = '\1';               // stands for what no pattern names: it cannot be written in one

// A pattern as a nondeterministic automaton: state i is before token i, and the last one accepts.
class Automaton {
public:
    using State = std::size_t;
    using States = std::vector<State>; // ascending

    explicit Automaton(const PathPattern& pattern) {
        const bool is_name = pattern.kind == PathPattern::Kind::name_glob;
        if (is_name) tokens_ = {{Token::What::across, 0}, {Token::What::plain, '/'}};
        const std::string_view text = pattern.text;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '*') {
                tokens_.push_back({Token::What::plain, text[i]});
                continue;
            }
            const std::size_t end = std::min(text.find_first_not_of('*', i), text.size());
            const bool is_across = end - i > 1 && !is_name; // a name has no segments to cross
            tokens_.push_back({is_across ? Token::What::across : Token::What::within, 0});
            i = end - 1;
        }
        is_below_ = pattern.kind == PathPattern::Kind::prefix ||
                    (pattern.kind == PathPattern::Kind::path_glob && text.ends_with('/'));
        is_folder_too_ = pattern.kind == PathPattern::Kind::prefix;
    }

    [[nodiscard]] States begin() const {
        States states;
        add(states, 0);
        return states;
    }

    [[nodiscard]] bool accepts(State state) const noexcept {
        return state == tokens_.size() || (is_folder_too_ && state + 1 == tokens_.size());
    }
    [[nodiscard]] bool accepts(const States& states) const noexcept {
        return std::ranges::any_of(states, [&](State state) { return accepts(state); });
    }

    /// Where `c` leads from there.
    void step(State state, char c, States& to) const {
        if (state == tokens_.size()) {
            if (is_below_) add(to, state);
            return;
        }
        const Token& token = tokens_[state];
        if (token.what == Token::What::across || (token.what == Token::What::within && c != '/'))
            add(to, state);
        else if (token.what == Token::What::plain && token.c == c)
            add(to, state + 1);
    }
    [[nodiscard]] States step(const States& states, char c) const {
        States to;
        for (const State state : states) step(state, c, to);
        return to;
    }

    /// The characters that it tells from others.
    void name_characters(std::array<bool, 256>& named) const noexcept {
        for (const Token& token : tokens_)
            if (token.what == Token::What::plain) named[static_cast<unsigned char>(token.c)] = true;
    }

private:
    struct Token {
        enum class What { plain, within, across } what; // a character, any number of them but '/', any number
        char c;
    };

    // With all that follows without a character: a star may stand for nothing.
    void add(States& states, State state) const {
        for (;; ++state) {
            const auto place = std::ranges::lower_bound(states, state);
            if (place != states.end() && *place == state) return;
            states.insert(place, state);
            if (state == tokens_.size() || tokens_[state].what == Token::What::plain) return;
        }
    }

    std::vector<Token> tokens_;
    bool is_below_ = false;      // whatever comes after it matches
    bool is_folder_too_ = false; // what lacks its last slash matches
};

// What normal_path() can give: "/", then segments that are neither empty nor "." nor "..".
class NormalPath {
public:
    enum class State : unsigned char { start, slash, dot, two_dots, segment, none };

    [[nodiscard]] static State step(State state, char c) noexcept {
        if (state == State::start) return c == '/' ? State::slash : State::none;
        if (c == '/') return state == State::segment ? State::slash : State::none;
        if (c != '.') return State::segment;
        if (state == State::slash) return State::dot;
        return state == State::dot ? State::two_dots : State::segment;
    }
    [[nodiscard]] static bool accepts(State state) noexcept { return state == State::slash || state == State::segment; }
};

// Follows every path that `inner` matches, and where `outer` may be meanwhile; what leads there by more ways of `outer` than
// a place that was looked at already needs no look of its own (antichains).
class Inclusion {
public:
    Inclusion(const PathPattern& outer, const PathPattern& inner) : outer_(outer), inner_(inner) {
        std::array<bool, 256> named{};
        outer_.name_characters(named);
        inner_.name_characters(named);
        named[static_cast<unsigned char>('/')] = named[static_cast<unsigned char>('.')] = true;
        named[static_cast<unsigned char>(other)] = true;
        for (std::size_t i = 0; i < named.size(); ++i)
            if (named[i]) alphabet_.push_back(static_cast<char>(i));
    }

    [[nodiscard]] bool holds() {
        for (const Automaton::State state : inner_.begin()) visit({state, NormalPath::State::start, outer_.begin()});
        for (std::size_t steps = 0; !waiting_.empty(); ++steps) {
            if (steps == most_steps) return false;
            const Place place = std::move(waiting_.back());
            waiting_.pop_back();
            if (inner_.accepts(place.inner) && NormalPath::accepts(place.normal) && !outer_.accepts(place.outer))
                return false;
            go_on(place);
        }
        return true;
    }

private:
    struct Place {
        Automaton::State inner;
        NormalPath::State normal;
        Automaton::States outer;
    };

    void go_on(const Place& place) {
        for (const char c : alphabet_) {
            const NormalPath::State normal = NormalPath::step(place.normal, c);
            Automaton::States next;
            inner_.step(place.inner, c, next);
            if (normal == NormalPath::State::none || next.empty()) continue;
            const Automaton::States outer = outer_.step(place.outer, c);
            for (const Automaton::State state : next) visit({state, normal, outer});
        }
    }

    void visit(Place place) {
        auto& seen = seen_[{place.inner, place.normal}];
        const auto is_part = [&](const Automaton::States& known) { return std::ranges::includes(place.outer, known); };
        if (std::ranges::any_of(seen, is_part)) return;
        seen.push_back(place.outer);
        waiting_.push_back(std::move(place));
    }

    Automaton outer_, inner_;
    std::vector<char> alphabet_;
    std::vector<Place> waiting_;
    std::map<std::pair<Automaton::State, NormalPath::State>, std::vector<Automaton::States>> seen_;
};

// One path of it, with `other` in the place of each star.
std::string sample(const PathPattern& pattern) {
    std::string path = pattern.kind == PathPattern::Kind::name_glob ? "/" : "";
    for (const char c : pattern.text) path += c == '*' ? other : c;
    return path;
}

} // namespace

bool includes(const PathPattern& outer, const PathPattern& inner) {
    if (!outer.matches(sample(inner))) return false;
    return Inclusion(outer, inner).holds();
}

} // namespace mpsup::contract
