#include "supervisor/cli/size_view.h"

#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <boost/json.hpp>

#include <algorithm>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_name = 20; // so that a row is no wider than a page

struct Total {
    std::string worker;
    std::size_t processes = 0;
    std::uint64_t pss = 0;
    std::uint64_t own = 0;

    void add(const ProcessSize& process) {
        ++processes;
        pss += process.memory.proportional_bytes;
        own += process.memory.private_bytes;
    }
};

// Of each worker, in the order in which they come.
std::vector<Total> totals_of_workers(const SiteSize& size) {
    std::vector<Total> totals;
    for (const ProcessSize& process : size.processes) {
        if (process.worker.empty()) continue;
        const auto known = std::ranges::find(totals, process.worker, &Total::worker);
        (known == totals.end() ? totals.emplace_back(Total{process.worker, 0, 0, 0}) : *known).add(process);
    }
    return totals;
}

Total total_of_site(const SiteSize& size) {
    Total total;
    for (const ProcessSize& process : size.processes) total.add(process);
    return total;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::uint64_t kibibyte = 1024;
    constexpr std::uint64_t mebibyte = kibibyte * kibibyte;
    if (bytes < mebibyte) return std::to_string(bytes / kibibyte) + "K";
    if (bytes >= 10 * mebibyte) return std::to_string(bytes / mebibyte) + "M";
    return std::to_string(bytes / mebibyte) + "." + std::to_string(bytes * 10 / mebibyte % 10) + "M";
}

std::string name_text(const std::string& name) {
    const std::string text = printable(name);
    return text.size() <= longest_name ? text : text.substr(0, longest_name - 1) + "+";
}

std::vector<Table::Cell> memory_cells(const ProcessMemory& memory) {
    return {size_text(memory.resident_bytes), size_text(memory.proportional_bytes), size_text(memory.private_bytes),
            size_text(memory.shared_bytes)};
}

void add_row(Table& table, std::vector<Table::Cell> cells, const std::vector<Table::Cell>& more) {
    cells.insert(cells.end(), more.begin(), more.end());
    table.add(std::move(cells));
}

void add_total(Table& table, const std::string& name, const Total& total) {
    const std::string count = std::to_string(total.processes) + (total.processes == 1 ? " process" : " processes");
    table.add({{name, Colour::green}, count, "", "", "-", size_text(total.pss), size_text(total.own), "-"});
}

std::string processes_table(const SiteSize& size) {
    Table table({"WORKER", "ROLE", "PID", "GEN", "RSS", "PSS", "OWN", "SHARED"});
    for (const ProcessSize& process : size.processes)
        add_row(table,
                {process.worker.empty() ? "-" : name_text(process.worker), process.role, std::to_string(process.pid),
                 process.generation > 0 ? std::to_string(process.generation) : "-"},
                memory_cells(process.memory));
    for (const Total& total : totals_of_workers(size)) add_total(table, name_text(total.worker), total);
    add_total(table, "site", total_of_site(size));
    return table.to_string();
}

std::string programs_table(const SiteSize& size) {
    Table table({"BUILD", "KIND", "PROGRAM", "DISK", "RSS", "PSS", "OWN", "SHARED"});
    std::string troubles;
    for (const ProgramSize& program : size.programs) {
        const std::vector<Table::Cell> nothing{"-", "-", "-", "-"};
        add_row(table, {program.build, program.kind, program.program, size_text(program.disk_bytes)},
                program.memory ? memory_cells(*program.memory) : nothing);
        if (!program.trouble.empty()) troubles += coloured(printable(program.trouble), Colour::red) + "\n";
    }
    return table.to_string() + troubles;
}

json::object memory_json(const ProcessMemory& memory) {
    return {{"rss_bytes", memory.resident_bytes},
            {"pss_bytes", memory.proportional_bytes},
            {"shared_bytes", memory.shared_bytes},
            {"private_bytes", memory.private_bytes}};
}

json::object total_json(const Total& total) {
    return {{"processes", total.processes}, {"pss_bytes", total.pss}, {"private_bytes", total.own}};
}

json::object to_json(const ProcessSize& process) {
    json::object object{{"worker", process.worker.empty() ? json::value(nullptr) : json::value(process.worker)},
                        {"role", process.role},
                        {"pid", process.pid},
                        {"generation", process.generation}};
    for (const auto& [key, value] : memory_json(process.memory)) object[key] = value;
    return object;
}

json::object to_json(const ProgramSize& program) {
    json::object object{{"build", program.build},
                        {"kind", program.kind},
                        {"program", program.program},
                        {"disk_bytes", program.disk_bytes},
                        {"memory", nullptr}};
    if (program.memory) object["memory"] = memory_json(*program.memory);
    if (!program.trouble.empty()) object["trouble"] = program.trouble;
    return object;
}

} // namespace

std::vector<ProcessSize> processes_in(const std::string& document) {
    const json::object status = parse_object(document);
    std::vector<ProcessSize> processes;
    if (const json::value* supervisor = status.if_contains("supervisor"); supervisor && supervisor->is_object())
        processes.push_back({"", "supervisor", static_cast<pid_t>(number_at(supervisor->as_object(), "pid")), 0, {}});
    for (const json::object& worker : objects_at(status, "workers"))
        for (const json::object& process : objects_at(worker, "processes"))
            processes.push_back({text_at(worker, "name"),
                                 text_at(process, "role"),
                                 static_cast<pid_t>(number_at(process, "pid")),
                                 number_at(process, "generation"),
                                 {}});
    std::erase_if(processes, [](const ProcessSize& process) { return process.pid <= 0; });
    return processes;
}

std::optional<ProcessMemory> parse_memory(const std::string& text) {
    const json::object object = parse_object(text);
    const std::int64_t resident = number_at(object, "rss_bytes");
    if (resident <= 0) return std::nullopt;
    const auto bytes = [&](std::string_view key) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(object, key)));
    };
    return ProcessMemory{bytes("private_bytes"), bytes("shared_bytes"), bytes("rss_bytes"), bytes("pss_bytes")};
}

std::string size_table(const SiteSize& size) {
    return processes_table(size) + "\nA process of each build as it starts, beside this site:\n" + programs_table(size);
}

std::string size_json(const SiteSize& size) {
    json::array processes;
    for (const ProcessSize& process : size.processes) processes.emplace_back(to_json(process));
    json::array workers;
    for (const Total& total : totals_of_workers(size)) {
        json::object object{{"worker", total.worker}};
        for (const auto& [key, value] : total_json(total)) object[key] = value;
        workers.emplace_back(std::move(object));
    }
    json::array programs;
    for (const ProgramSize& program : size.programs) programs.emplace_back(to_json(program));
    return json::serialize(
        json::object{{"version", 1},
                     {"site", size.site},
                     {"processes", std::move(processes)},
                     {"totals", {{"workers", std::move(workers)}, {"site", total_json(total_of_site(size))}}},
                     {"programs", std::move(programs)}});
}

} // namespace mpsup::cli
