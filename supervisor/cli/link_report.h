// How `mpsup links check` says what it found.
#pragma once

#include "supervisor/cli/link_findings.h"

#include <string>

namespace mpsup::cli {

/// For people: who served each URL, then what is wrong; without pages the second alone.
[[nodiscard]] std::string link_table(const CheckedLinks& links, bool with_pages);
/// One document, version 1; or a line for each page, each finding, each note and the sum.
[[nodiscard]] std::string link_json(const CheckedLinks& links);
[[nodiscard]] std::string link_json_lines(const CheckedLinks& links);
/// JUnit's XML: a test case for each URL, which fails with what is wrong with it. Notes are left out.
[[nodiscard]] std::string link_junit(const CheckedLinks& links);

} // namespace mpsup::cli
