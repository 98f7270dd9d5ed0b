// What an operator wants to know of a light worker, or wants of it, while it serves.
#include "base/memfd.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/front.h"
#include "worker/contract/light_control.h"
#include "worker/contract/scoreboard.h"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto answer_patience = std::chrono::seconds(5);
constexpr std::size_t most_questions = 100; // at a time

} // namespace

asio::awaitable<Result<std::string>> WorkerHandle::ask(std::string question) {
    return ask(core_.serving(), std::move(question));
}

asio::awaitable<Result<std::string>> WorkerHandle::ask(core::GenerationNumber number, std::string question) {
    const auto self = shared_from_this();
    const GenerationHandle* generation = find(number);
    if (!generation || !generation->link) co_return failure(spec_->name + " does not serve");
    if (questions_.size() >= most_questions) co_return failure(spec_->name + " is being asked too much");
    const std::uint64_t id = ++last_question_;
    auto waiting = std::make_shared<Question>(around_.executor);
    waiting->generation = generation->number;
    questions_.emplace(id, waiting);
    const auto sent = generation->link->send(contract::Ask{id, std::move(question)});
    const auto deadline = Clock::now() + answer_patience;
    while (sent && !waiting->answer && Clock::now() < deadline && find(waiting->generation))
        co_await waiting->bell.wait_until(std::min(deadline, Clock::now() + std::chrono::milliseconds(100)));
    questions_.erase(id);
    if (!sent) co_return failure(spec_->name + ": " + sent.error().to_string());
    auto answer = std::move(waiting->answer);
    if (!answer) co_return failure(spec_->name + " does not answer");
    co_return std::move(*answer);
}

// One that ends while it is asked has none any more.
asio::awaitable<Result<std::uint64_t>> WorkerHandle::in_flight() {
    const auto self = shared_from_this();
    if (spec_->kind == topology::Kind::dynamic) co_return busy_children();
    std::vector<core::GenerationNumber> numbers;
    for (const auto& generation : generations_)
        if (generation->link && generation->told_go) numbers.push_back(generation->number);
    // Not in the expression that waits: g++ 12 moves what is made with braces there to another place without its constructor.
    const std::string question = contract::encode_question({.what = contract::Question::What::in_flight});
    std::uint64_t sum = 0;
    for (const core::GenerationNumber number : numbers) {
        const auto answer = co_await ask(number, question);
        if (!find(number)) continue;
        if (!answer) co_return std::unexpected(answer.error());
        const auto count = contract::decode_in_flight(*answer);
        if (!count) co_return std::unexpected(count.error());
        sum += *count;
    }
    co_return sum;
}

Result<std::uint64_t> WorkerHandle::busy_children() const {
    std::uint64_t busy = 0;
    for (const auto& generation : generations_)
        for (const auto& [pid, child] : generation->children) {
            const char activity = child.scoreboard.read().activity;
            if (activity == '?')
                return failure(spec_->name + ": its process " + std::to_string(pid) + " does not say what it does");
            busy += activity == static_cast<char>(contract::Activity::sending) ? 1 : 0;
        }
    return busy;
}

void WorkerHandle::send_backends_out(GenerationHandle& generation) {
    if (!around_.backends_out || generation.spec->kind != topology::Kind::accelerator || !generation.link) return;
    if (generation.contract < contract::version_with_backends) return; // it does not know the message
    if (!generation.link->send(contract::Backends{*around_.backends_out}))
        distrust(generation, "does not read its contract socket");
}

void WorkerHandle::tell_backends_out() {
    for (const auto& generation : generations_)
        if (generation->told_go) send_backends_out(*generation);
    act();
}

// One that comes too late, or was not asked for, is of no meaning.
void WorkerHandle::on_answer(const GenerationHandle& generation, contract::Answer answer) {
    const auto asked = questions_.find(answer.id);
    if (asked == questions_.end() || asked->second->generation != generation.number) return;
    asked->second->answer = std::move(answer.text);
    asked->second->bell.ring();
}

bool WorkerHandle::is_in_maintenance() const {
    return spec_->kind != topology::Kind::dynamic &&
           ::access(around_.paths.maintenance_flag(spec_->name).c_str(), F_OK) == 0;
}

Result<> WorkerHandle::set_maintenance(bool on) {
    const std::string flag = around_.paths.maintenance_flag(spec_->name);
    if (on) {
        auto made = open_file(flag, O_WRONLY | O_CREAT, 0600);
        if (!made) return std::unexpected(made.error());
    } else if (::unlink(flag.c_str()) != 0 && errno != ENOENT) {
        return system_failure("remove " + flag);
    }
    const std::string question = contract::encode_question({.what = contract::Question::What::maintenance, .on = on});
    for (const auto& generation : generations_) // also one that is on its way
        if (generation->link) (void)generation->link->send(contract::Ask{0, question});
    around_.changed.ring();
    return {};
}

// The memory of an accelerator's cache: the same for all of its generations, as long as its size stays.
int WorkerHandle::cache_for(const topology::WorkerSpec& spec) {
    const std::uint64_t size = topology::cache_memory_of(spec);
    if (size == 0) return -1;
    if (cache_ && is_sealed_memfd(cache_.get(), size)) return cache_.get();
    auto made = make_sealed_memfd("mpsup-cache", size);
    if (!made) {
        log_line("error", spec_->name + " has no cache: " + made.error().to_string());
        return -1;
    }
    cache_ = std::move(*made);
    return cache_.get();
}

void WorkerHandle::adopt_cache(Fd cache) {
    if (!cache_ && is_sealed_memfd(cache.get(), topology::cache_memory_of(*spec_))) cache_ = std::move(cache);
}

} // namespace mpsup
