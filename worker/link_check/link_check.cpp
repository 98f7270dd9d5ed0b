#include "worker/link_check/link_check.h"

#include "worker/http/error_log.h"
#include "worker/link_check/crawl.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace mpsup::link_check {

namespace {

constexpr std::size_t longest_job = 1U << 20U;

Result<std::string> read_job() {
    std::string text;
    std::array<char, 4096> bytes{};
    while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), stdin)) {
        text.append(bytes.data(), got);
        if (text.size() > longest_job) return failure("the job is too long");
    }
    return text;
}

// A line at once, so that who reads sees how far it is.
bool tell(const contract::LinkFact& fact) {
    return std::printf("%s\n", contract::encode_link_fact(fact).c_str()) > 0 && std::fflush(stdout) == 0;
}

Result<> run() {
    const auto text = read_job();
    if (!text) return std::unexpected(text.error());
    const auto job = contract::decode_link_job(*text);
    if (!job) return std::unexpected(job.error());
    PageClient client;
    const auto get = [&](const auto&... what) { return client.get(what...); };
    return crawl(*job, get, tell);
}

} // namespace

int run_link_check() {
    const auto done = run();
    if (done) return EXIT_SUCCESS;
    http::log_error(http::Severity::error, done.error().to_string());
    return EXIT_FAILURE;
}

} // namespace mpsup::link_check
