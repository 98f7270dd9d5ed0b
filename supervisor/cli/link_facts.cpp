#include "supervisor/cli/link_facts.h"

namespace mpsup::cli {

LinkFacts read_link_facts(std::string_view text) {
    LinkFacts read;
    bool is_whole = false;
    std::size_t broken = 0;
    std::string problem;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        auto fact = contract::decode_link_fact(text.substr(0, end));
        text.remove_prefix(end + 1);
        if (fact) {
            is_whole = fact->is_last;
            read.facts.push_back(std::move(*fact));
        } else if (broken++ == 0) {
            problem = fact.error().to_string();
        }
    }
    if (broken > 0)
        read.losses.push_back("not understood of what the crawler said: " + std::to_string(broken) +
                              " lines, the first: " + problem);
    if (!is_whole) read.losses.emplace_back("the crawler ended before it was done");
    return read;
}

} // namespace mpsup::cli
