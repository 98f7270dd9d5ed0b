// mpsup: the command line. Parses, and hands over to a verb.
#include "base/units.h"
#include "supervisor/cli/context.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <functional>

namespace mpsup::cli {

namespace {

const char* const exit_codes = R"(exit codes: 0 done, 1 failed, 2 usage, 3 something is not running,
4 no supervisor, 5 unhealthy, 6 gate failed and the old one kept,
7 taken back after it had served, 8 another change runs, 9 not done in time, 78 bad topology)";

// "30s" and its like; CLI11 prints the text when it is not empty.
std::string check_duration(const std::string& text) {
    return parse_duration(text) ? std::string() : text + " is no duration: for example 500ms, 30s, 5m";
}

std::string check_moment(const std::string& text) {
    return parse_moment(text, now_ms())
               ? std::string()
               : text + " is no point in time: for example 2h (ago), 03:12, 2026-11-22, '2026-11-22 03:12'";
}

class CommandLine {
public:
    CommandLine() {
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.footer(exit_codes);
        app_.add_option("--state-dir", context_.state_dir, "where sites keep what lasts");
        app_.add_option("--run-dir", context_.run_dir, "where sites keep their sockets");
        app_.add_option("--site", context_.site, "which site; not needed while one runs");
        app_.add_option("-o,--output", output_, "table, json or jsonl; of links check also junit")
            ->check(CLI::IsMember({"table", "json", "jsonl", "junit"}))
            ->option_text("FORMAT");
        app_.add_flag("-q,--quiet", context_.quiet, "print nothing but errors");
        app_.add_option("--timeout", timeout_, "how long to wait for verbs that change something")
            ->check(check_duration);
        add_changing_verbs();
        add_asking_verbs();
        add_machine_verbs();
        add_front_verbs();
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            const int code = app_.exit(error); // prints help or the complaint
            return code == 0 ? ok : usage;
        }
        for (const auto& [sub, files] : with_files_)
            if (sub->parsed() && files->empty()) return complain(sub->get_name() + " needs a topology file", usage);
        if (!timeout_.empty()) context_.timeout = parse_duration(timeout_);
        if (output_ == "junit" && !app_.got_subcommand("links"))
            return complain("junit is a form of `links check` alone", usage);
        if (output_ == "json") context_.output = Output::json;
        if (output_ == "jsonl") context_.output = Output::jsonl;
        if (output_ == "junit") context_.output = Output::junit;
        return verb_();
    }

private:
    int print_help() const {
        const CLI::App* app = &app_;
        std::string name = app->get_name();
        for (const std::string& word : help_of_) {
            const auto named = app->get_subcommands([&](const CLI::App* sub) { return sub->check_name(word); });
            if (named.empty()) return complain("there is no verb " + word + ": `mpsup help` has them all", usage);
            app = named.front();
            name += " " + word;
        }
        std::fputs(app->get_formatter()->make_help(app, name, CLI::AppFormatMode::Normal).c_str(), stdout);
        return ok;
    }

    CLI::App* verb(const char* name, const char* help, std::function<int()> run) {
        CLI::App* sub = app_.add_subcommand(name, help);
        sub->callback([this, run = std::move(run)] { verb_ = run; });
        return sub;
    }

    void add_changing_verbs() {
        CLI::App* up = verb("up", "make the site what a topology file says", [this] { return run_up(context_, up_); });
        add_files(up, up_.files);
        up->add_flag("--foreground", up_.foreground, "stay: for systemd, containers and debugging");
        up->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        verb("down", "stop the site, every worker finishing what it serves", [this] { return run_down(context_); });
        CLI::App* restart = verb("restart", "replace workers by fresh ones of the same topology, nothing lost",
                                 [this] { return run_restart(context_, rolled_, fast_); });
        restart->add_option("worker", rolled_, "which; all by default");
        restart->add_flag("--fast", fast_, "all at once and unjudged: for what fails already");
        restart->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        add_machines(restart);
        CLI::App* reload = verb("reload", "read the topology file again; every worker gets a fresh generation",
                                [this] { return run_reload(context_, fast_); });
        reload->add_flag("--fast", fast_, "all at once and unjudged: for what fails already");
        reload->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        CLI::App* rollback = verb("rollback", "back to the generation that sleeps, or to the topology before this one",
                                  [this] { return run_rollback(context_, rolled_); });
        rollback->add_option("worker", rolled_, "which; all by default");
        rollback->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        add_machines(rollback);
        CLI::App* reset = verb("reset", "forget that workers were given up, and try again",
                               [this] { return run_reset(context_, rolled_); });
        reset->add_option("worker", rolled_, "which; all by default");
        verb("promote", "the rollout that runs goes on, without its pause or verdict",
             [this] { return run_word(context_, "/v1/promote"); });
        verb("abort", "the rollout that runs is taken back", [this] { return run_word(context_, "/v1/abort"); });
        CLI::App* scale = verb("scale", "another size for pools that run, until the next up",
                               [this] { return run_scale(context_, scale_); });
        scale->add_option("order", scale_, "WORKER=6, WORKER=+2, WORKER=-1")->required();
        scale->add_flag("--detach,-d", context_.detach, "do not wait until it is done");
        CLI::App* upgrade = verb("upgrade", "have the running supervisor become this program; nobody notices",
                                 [this] { return run_upgrade(context_, program_); });
        upgrade->add_option("program", program_, "another mpsup than the one you call");
        CLI::App* supervise = verb("supervise", "the supervisor of one of several machines, until it is told to stop",
                                   [this] { return run_supervise(context_, supervise_); });
        supervise->add_flag("--check-state", supervise_.check_state)->group("");
        supervise->add_flag("--take-over", supervise_.take_over)->group("");
        add_cluster(supervise, supervise_.cluster);
    }

    static void add_cluster(CLI::App* supervise, ClusterOptions& cluster) {
        supervise->add_option("--machine", cluster.machine, "which machine of the topology this is");
        supervise->add_option("--cluster", cluster.endpoints, "where etcd answers: http://10.0.0.5:2379, one or more")
            ->delimiter(',')
            ->allow_extra_args(false)
            ->option_text("URL");
        supervise->add_option("--cluster-user", cluster.user, "whom etcd knows");
        supervise->add_option("--cluster-password-file", cluster.password_file, "a file with that user's password");
        supervise->add_option("--cluster-prefix", cluster.prefix, "of all keys; /mpsup/SITE/ by default");
        supervise->add_option("--cluster-ca", cluster.ca, "certificates (PEM) that sign etcd's");
        supervise->add_option("--cluster-cert", cluster.certificate, "our own certificate, for etcd");
        supervise->add_option("--cluster-key", cluster.key, "and its key");
        supervise->add_option(
            "--peer", cluster.peer,
            "IP:PORT at which the other supervisors ask this one; the machine's address and 7117 by default");
        supervise->add_option("--peer-ca", cluster.peer_ca,
                              "certificates (PEM) that sign the supervisors'; without it each has a key of its own");
        supervise->add_option("--peer-cert", cluster.peer_certificate,
                              "our own certificate, for the other supervisors");
        supervise->add_option("--peer-key", cluster.peer_key, "and its key");
    }

    void add_asking_verbs() {
        CLI::App* status = verb("status", "the site and its workers",
                                [this] { return at_.empty() ? run_status(context_) : run_status_at(context_, at_); });
        add_machines(status);
        status->add_option("--at", at_, "as it was then: 03:12, -2h, '2026-11-22 03:12'")->check(check_moment);
        add_machines(verb("workers", "every process: what it does, how much memory it holds",
                          [this] { return run_workers(context_); }));
        verb("size", "the memory of every process, and what the builds cost", [this] { return run_size(context_); });
        CLI::App* events = verb("events", "what happened", [this] { return run_events(context_, events_); });
        events->add_option("worker,--worker", events_.worker, "of this worker only");
        events->add_option("-n,--lines", events_.count, "how many of the last ones; 50, with --since all")
            ->check(CLI::Range(1, 100000));
        add_since(events, events_.since);
        events->add_flag("-f,--follow", events_.follow, "and what happens from here on");
        add_machines(events);
        add_reader(events, events_.reader);
        add_history_verbs();
        CLI::App* slow = verb("slow", "requests that ran for too long, and where they were then",
                              [this] { return run_slow(context_, slow_); });
        slow->add_option("worker", slow_.worker, "of this worker only");
        slow->add_option("-n,--lines", slow_.count, "how many: the last ones, or with --top places")
            ->check(CLI::Range(1, 100000));
        slow->add_flag("--top", slow_.top, "counted by where they were, the most first");
        CLI::App* logs = verb("logs", "what the workers wrote", [this] { return run_logs(context_, logs_); });
        logs->add_option("worker,--worker", logs_.workers, "of these workers only; `supervisor` is one too");
        logs->add_option("-n,--lines", logs_.count,
                         "how many of the last lines of each; 50, with --since or --grep all")
            ->check(CLI::Range(0, 1000000));
        logs->add_option("--since", logs_.since,
                         "what was written since then: 2h, 03:12, 2026-01-31, \"2026-01-31 03:12\"");
        logs->add_option("--grep", logs_.grep, "lines that an extended regular expression matches");
        logs->add_flag("-f,--follow", logs_.follow, "and what they write from here on");
        logs->add_flag("--access", logs_.access, "the access logs");
        add_machines(logs);
        add_reader(logs, logs_.reader);
        CLI::App* validate = verb("validate", "check a topology file, change nothing",
                                  [this] { return run_validate(context_, files_, strict_); });
        add_files(validate, files_);
        validate->add_flag("--strict", strict_, "what is doubtful is an error too");
        verb("schema", "the topology language as a JSON Schema, for editors", [] { return run_schema(); });
        CLI::App* config = verb("config", "a topology with includes, variables and defaults in their places",
                                [this] { return run_config(context_, files_, with_origin_); });
        add_files(config, files_);
        config->add_flag("--origin", with_origin_, "and where each value was written, or that it is a default");
        CLI::App* plan = verb("plan", "what `up` would change, step by step; changes nothing",
                              [this] { return run_plan(context_, files_); });
        add_files(plan, files_);
        add_machines(plan);
        verb("version", "of this program", [this] { return run_version(context_); });
        verb("help", "what a verb does and takes, as its --help says it", [this] {
            return print_help();
        })->add_option("verb", help_of_, "which");
    }

    // What operators say of machines.
    void add_machine_verbs() {
        const auto one = [this](const char* word, const char* help) {
            CLI::App* sub = verb(word, help, [this, word] { return run_machine(context_, word, machine_); });
            sub->add_option("machine", machine_.machine, "which")->required();
            return sub;
        };
        CLI::App* drain =
            one("drain", "nothing new is sent to a machine, and changes pass it by; what runs there stays");
        drain->add_flag("--wait", machine_.wait, "until nothing that was sent there is left unanswered");
        drain->add_flag("--force", machine_.force, "also the last machine of something that others need");
        one("cordon", "changes pass a machine by");
        one("uncordon", "a machine is one of all again, after cordon or drain");
        one("remove", "a machine that will not come back is no longer counted");
        CLI::App* cluster = verb("cluster", "the store that the machines of a site share",
                                 [this] { return run_cluster_accept(context_); });
        cluster->require_subcommand(1);
        cluster->add_subcommand(
            "accept",
            "take the store that answers in the place of the one that was known: it was restored or made anew");
    }

    void add_front_verbs() {
        using What = contract::Question::What;
        CLI::App* cache = verb("cache", "what accelerators keep", [this] { return run_cache(context_, cache_); });
        cache->require_subcommand(1);
        const auto part = [&](const char* name, const char* help, What what) {
            CLI::App* sub = cache->add_subcommand(name, help);
            sub->callback([this, what] { cache_.question.what = what; });
            return sub;
        };
        constexpr auto of_worker = "of this accelerator only";
        CLI::App* list = part("ls", "what is kept, that was used last first", What::cache_list);
        list->add_option("worker,--worker", cache_.worker, of_worker);
        list->add_option("-n,--lines", cache_.question.limit, "how many")->check(CLI::Range(1, 100000));
        CLI::App* stats = part("stats", "how much, and how often it was of use", What::cache_stats);
        stats->add_option("worker,--worker", cache_.worker, of_worker);
        CLI::App* purge = part("purge", "be rid of something", What::purge_urls);
        purge->add_option("--worker", cache_.worker, of_worker);
        purge->add_option("url", cache_.question.texts,
                          "http://HOST/PATH, all variants of it; with * at its end all that begin so");
        purge->add_option("--tag", tags_, "all that the application gave this tag");
        purge->callback([this] {
            if (tags_.empty() == cache_.question.texts.empty())
                throw CLI::ValidationError("purge", "either URLs or tags (--tag)");
            cache_.question.what = tags_.empty() ? What::purge_urls : What::purge_tags;
            if (!tags_.empty()) cache_.question.texts = tags_;
        });
        CLI::App* explain = verb("explain", "what would become of a request: listener, route, cache, fields",
                                 [this] { return run_explain(context_, explain_); });
        explain->add_option("url", explain_.url, "http://HOST:PORT/PATH, or /PATH")->required();
        explain->add_option("-H,--header", explain_.headers, "'Name: value', as often as you like")
            ->allow_extra_args(false); // what follows one is the URL
        explain->add_option("--from", explain_.client, "the client's IP address; 127.0.0.1 by default");
        explain->add_option("-X,--method", explain_.method, "another than GET");
        add_links();
        CLI::App* maintenance = verb("maintenance", "everything is answered 503, or no longer",
                                     [this] { return run_maintenance(context_, maintenance_); });
        maintenance->add_option("word", maintenance_.word, "on or off")
            ->required()
            ->check(CLI::IsMember({"on", "off"}));
        maintenance->add_option("worker", maintenance_.workers, "which; all accelerators by default");
    }

    void add_links() {
        CLI::App* links =
            verb("links", "the links of the site's pages", [this] { return run_links_check(context_, links_); });
        links->require_subcommand(1);
        CLI::App* check = links->add_subcommand(
            "check", "crawl the site as a client does: who serves what, and which links are wrong; 0 if none is");
        check->add_option("--start", links_.start, "a path or URL to begin at, as often as you like; / by default");
        check->add_option("--max", links_.max, "so many URLs at most; 1000 by default")->check(CLI::Range(1, 1000000));
        check->add_option("--exclude", links_.exclude, "paths that are not asked for: /logout, '/search?*'");
        add_machines(check);
    }

    void add_history_verbs() {
        CLI::App* history =
            verb("history", "what was changed and what crashed", [this] { return run_history(context_, history_); });
        history->add_option("worker,--worker", history_.worker, "of this worker only");
        history->add_option("-n,--lines", history_.count, "how many of the last ones; 50, with --since all")
            ->check(CLI::Range(1, 100000));
        add_since(history, history_.since);
        CLI::App* sql = verb("sql", "a SELECT on the site's database, which it cannot change",
                             [this] { return run_sql(context_, sql_); });
        sql->add_option("statement", sql_, "its tables are described in state/SCHEMA.md")->required();
    }

    // What stands alone, and then those of -f in their order.
    void add_files(CLI::App* sub, std::vector<std::string>& files) {
        sub->add_option_function<std::string>(
            "file", [&files](const std::string& file) { files.insert(files.begin(), file); }, "topology file");
        sub->add_option_function<std::vector<std::string>>(
               "-f,--file",
               [&files](const std::vector<std::string>& more) { files.insert(files.end(), more.begin(), more.end()); },
               "one more, merged over those before it")
            ->allow_extra_args(false);
        with_files_.emplace_back(sub, &files);
    }

    void add_machines(CLI::App* sub) {
        sub->add_option("--machine", context_.machines, "of this machine only, as often as you like; all by default")
            ->allow_extra_args(false)
            ->option_text("NAME");
    }

    // For our own supervisor, who has us read for others.
    static void add_reader(CLI::App* sub, ReaderOptions& reader) {
        sub->add_flag("--here", reader.here)->group("");
        sub->add_option("--since-ms", reader.since_ms)->group("");
    }

    static void add_since(CLI::App* sub, std::string& since) {
        sub->add_option("--since", since, "from then on: 2h (ago), 03:12, '2026-11-22 03:12'")->check(check_moment);
    }

    CLI::App app_{"mpsup runs Perl web sites: light servers for files, heavy ones for Perl, one file for both.",
                  "mpsup"};
    Context context_;
    std::string timeout_;
    std::string output_ = "table";
    UpOptions up_;
    SuperviseOptions supervise_;
    std::string program_;
    EventsOptions events_;
    HistoryOptions history_;
    SlowOptions slow_;
    LogsOptions logs_;
    std::vector<std::string> rolled_;
    bool fast_ = false;
    std::vector<std::string> scale_;
    CacheOptions cache_;
    std::vector<std::string> tags_;
    ExplainOptions explain_;
    LinksOptions links_;
    MaintenanceOptions maintenance_;
    MachineOptions machine_;
    std::vector<std::string> files_;
    bool with_origin_ = false;
    bool strict_ = false;
    std::vector<std::pair<CLI::App*, std::vector<std::string>*>> with_files_;
    std::vector<std::string> help_of_;
    std::string at_;
    std::string sql_;
    std::function<int()> verb_;
};

} // namespace

} // namespace mpsup::cli

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_DFL); // `mpsup logs -f | head` ends with head
    return mpsup::cli::CommandLine().run(argc, argv);
}
