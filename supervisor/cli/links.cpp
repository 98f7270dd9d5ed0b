// `mpsup links check`: crawls the site through its public face, and says what is wrong with its links.
#include "base/joined.h"
#include "supervisor/cli/applied_topology.h"
#include "supervisor/cli/link_facts.h"
#include "supervisor/cli/link_report.h"
#include "supervisor/cli/program_answer.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/share.h"

#include <cstdio>

namespace mpsup::cli {

namespace {

constexpr std::chrono::seconds more_time{15}; // for the crawler to notice that its own time is up
constexpr std::size_t longest_crawl = 256U << 20U;

Result<LinkFacts> crawl(const std::string& program, const contract::LinkJob& job) {
    const auto answer = answer_of(program, {std::string(contract::check_links_option)},
                                  {contract::encode_link_job(job), job.time + more_time, longest_crawl});
    if (!answer) return std::unexpected(answer.error());
    return read_link_facts(*answer);
}

// Of --machine; empty: all are known.
std::string unknown_machine(const topology::Topology& topology, const std::vector<std::string>& machines) {
    if (machines.empty()) return {};
    if (!topology::is_for_several(topology)) return "the site is on this machine alone: there is no cluster";
    std::vector<std::string> known;
    for (const topology::Machine& machine : topology.machines) known.push_back(machine.name);
    return unknown_among("machine", machines, known);
}

void print(const Context& context, const CheckedLinks& links) {
    std::string text;
    switch (context.output) {
    case Output::table: text = link_table(links, !context.quiet); break;
    case Output::json: text = link_json(links); break;
    case Output::jsonl: text = link_json_lines(links); break;
    case Output::junit: text = link_junit(links); break;
    }
    std::fputs(text.c_str(), stdout);
}

} // namespace

int run_links_check(const Context& context, const LinksOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, no_supervisor);
    if (!check_control_socket(site->paths.control_socket())) return complain(nobody_answers(*site), no_supervisor);
    const auto last = applied_topology(site->paths);
    if (!last) return complain(last.error().to_string(), failed);
    const std::optional<AppliedTopology>& applied = *last;
    if (!applied) return complain("no topology was brought up yet", failed);
    const topology::Topology topology = topology::over_all_machines(applied->topology);
    if (const std::string wrong = unknown_machine(topology, context.machines); !wrong.empty())
        return complain(wrong, usage);
    const CrawledSite crawled(topology, {site->paths.pool_folder(), {}, {}}, context.machines);
    auto job = crawled.job(options.start.empty() ? std::vector<std::string>{"/"} : options.start);
    if (!job) return complain(job.error().to_string(), usage);
    job->exclude = options.exclude;
    job->pages = options.max;
    if (context.timeout) job->time = *context.timeout;
    const std::string program =
        folder_of_this_program() + "/" + program_of(topology.binaries, topology::Kind::static_files);
    const auto seen = crawl(program, *job);
    if (!seen) return complain(seen.error().to_string(), failed);
    CheckedLinks links = judge(crawled, seen->facts);
    for (const std::string& loss : seen->losses)
        links.findings.push_back({"not-checked", job->start.front(), {}, 0, loss});
    print(context, links);
    return links.findings.empty() ? ok : failed;
}

} // namespace mpsup::cli
