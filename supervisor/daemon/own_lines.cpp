#include "supervisor/daemon/own_lines.h"

#include "supervisor/process/spawner.h"

#include <filesystem>
#include <memory>

namespace mpsup {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t most_events = 100'000;
constexpr std::int64_t most_lines = 1'000'000; // of logs
constexpr std::size_t longest_value = 4096;

// "--NAME=VALUE", so that no value is taken for an option.
void add(std::vector<std::string>& words, const std::string& option, const std::string& value) {
    words.push_back(option + "=" + value);
}

std::vector<std::string> beginning(std::string program, const SitePaths& paths) {
    const std::filesystem::path state = paths.state_dir();
    const std::filesystem::path run = paths.run_dir();
    std::vector<std::string> words{std::move(program)};
    add(words, "--state-dir", state.parent_path().string());
    add(words, "--run-dir", run.parent_path().string());
    add(words, "--site", state.filename().string());
    return words;
}

// Is what is said of it a number that we take?
bool is_fine(const ApiTarget& target, const std::string& name, std::int64_t most) {
    const auto number = target.number(name);
    return target.text(name).empty() || (number && *number <= most);
}

} // namespace

std::optional<Command> own_lines_command(std::string program, const SitePaths& paths, const ApiTarget& target) {
    for (const auto& [name, value] : target.values)
        if (value.size() > longest_value) return std::nullopt;
    const bool is_logs = target.path == "/v1/logs";
    if (!is_logs && target.path != "/v1/events") return std::nullopt;
    if (!is_fine(target, "lines", is_logs ? most_lines : most_events) || !is_fine(target, "since_ms", INT64_MAX))
        return std::nullopt;
    Command command{beginning(std::move(program), paths), own_environment()};
    std::vector<std::string>& words = command.words;
    words.insert(words.end(), {is_logs ? "logs" : "events", "--here", "-o", "jsonl"});
    if (!target.text("lines").empty()) add(words, "--lines", target.text("lines"));
    if (!target.text("since_ms").empty()) add(words, "--since-ms", target.text("since_ms"));
    if (target.has("follow")) words.emplace_back("--follow");
    if (!is_logs) {
        if (!target.text("worker").empty()) add(words, "--worker", target.text("worker"));
        return command;
    }
    for (const std::string& worker : target.list("workers")) add(words, "--worker", worker);
    if (!target.text("grep").empty()) add(words, "--grep", target.text("grep"));
    if (target.has("access")) words.emplace_back("--access");
    return command;
}

asio::awaitable<Result<>> read_own_lines(Commands& commands, Command command, OnCommandLine on_line) {
    const auto said = std::make_shared<std::string>();
    const OnCommandLine take = [said, on_line](std::string line) -> asio::awaitable<bool> {
        if (!line.empty() && !line.starts_with('{')) {
            *said = std::move(line);
            line.clear();
        }
        co_return co_await on_line(std::move(line));
    };
    const CommandEnd end = co_await commands.read(std::move(command), take);
    if (end.passed) co_return Result<>();
    co_return failure(said->empty() ? end.why : *said);
}

} // namespace mpsup
