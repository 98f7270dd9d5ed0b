// The backends of accelerators, as operators see them.
#pragma once

#include "supervisor/cli/worker_answers.h"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace mpsup::cli {

/// "ejected, 8s left", "up, check passed 2s ago", of a backend in the answer of a worker.
[[nodiscard]] std::string backend_state(const boost::json::object& backend);
/// "up, 3 in flight, check passed 2s ago"
[[nodiscard]] std::string backend_line(const boost::json::object& backend);

/// The document of a status with what the workers said (Question::What::backends) as `backends` of each, of several machines of
/// the one that it is on; who said nothing has none.
[[nodiscard]] std::string with_backends(const std::string& document, const std::vector<WorkerAnswer>& answers);
/// Does anybody in it have something to say of backends?
[[nodiscard]] bool has_accelerator(const std::string& document);
/// Where those are, of several machines; none: the site is on this one alone.
[[nodiscard]] std::vector<std::string> machines_with_accelerators(const std::string& document);
/// The table of them; empty when there are none.
[[nodiscard]] std::string backends_table(const std::string& document);

} // namespace mpsup::cli
