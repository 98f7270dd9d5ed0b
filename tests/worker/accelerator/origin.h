// An origin that an accelerator with a cache stands before, and what its clients get.
#pragma once

#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/accelerator/front_server.h"

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

constexpr std::uint64_t memory = 16 << 20; // of its cache

inline int status_of(std::string_view reply) {
    return reply.size() > 12 ? std::stoi(std::string(reply.substr(9, 3))) : 0;
}
inline std::string content_of(const std::string& reply) {
    const std::size_t end = reply.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : reply.substr(end + 4);
}
inline std::string field(const std::string& reply, const std::string& name) {
    const std::size_t at = reply.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "none";
    const std::size_t start = at + name.size() + 4;
    return reply.substr(start, reply.find("\r\n", start) - start);
}

// An upstream whose answers a function makes, and which counts them.
class Origin {
public:
    using Answer = std::function<std::string(const std::string& request, int count)>;
    explicit Origin(Answer answer)
        : answer_(std::move(answer)), upstream_([this](Conversation& conversation) {
              for (std::string request; !(request = conversation.read_request()).empty();) {
                  upstream_.note(request);
                  conversation.send(answer_(request, ++count));
              }
          }) {}
    contract::Front front() {
        contract::Front made = front_to({upstream_.address()});
        made.routes[0].cache.on = true;
        return made;
    }
    FakeUpstream& upstream() { return upstream_; }
    std::atomic<int> count = 0;

private:
    Answer answer_;
    FakeUpstream upstream_;
};

} // namespace mpsup::accelerator
