// What stands in bodies of requests to the control API, and in the lines of its answers.
#pragma once

#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/up_request.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// The list of texts under `key` of a JSON object; whatever is none is left out.
[[nodiscard]] std::vector<std::string> texts_in(const std::string& body, std::string_view key);
/// The text under `key` of a JSON object; empty: there is none.
[[nodiscard]] std::string text_in(const std::string& body, std::string_view key);
/// Is `key` of a JSON object true?
[[nodiscard]] bool has_flag(const std::string& body, std::string_view key);
/// The topology to bring up; nothing: there is none.
[[nodiscard]] std::optional<UpRequest> up_request_in(const std::string& body);

[[nodiscard]] std::string result_line(const Outcome& outcome);
[[nodiscard]] std::string progress_line(const ReportLine& line);

} // namespace mpsup
