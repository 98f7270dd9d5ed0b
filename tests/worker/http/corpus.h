// The cases of tests/conformance/data/http11probe.json and what their `expected` means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mpsup::http {

struct CorpusCase {
    std::string name; // the id, with what GoogleTest does not take replaced by '_'
    std::string expected;
    std::string bytes;
    bool scored = false;
};

/// Every case of the file; empty when it cannot be read.
[[nodiscard]] std::vector<CorpusCase> load_corpus();

/// Is this outcome what `expected` asks for? `status` is that of the first reply, 0 for none; `closed`: the server hung
/// up. The words of the file: alternatives by '/' or " or "; "2xx" any of them; what follows "(pass)" is a warning and
/// no pass; "timeout" is 408; "2xx + close" both; "!101" anything but. "close" alone never passes: every case lists a
/// status beside it, and this server always says why it hangs up.
[[nodiscard]] bool passes(std::string_view expected, int status, bool closed);

} // namespace mpsup::http
