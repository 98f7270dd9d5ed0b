// A response is read the same whole and in pieces, and never yields more content than came in.
#include "worker/accelerator/response_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using mpsup::accelerator::Expectation;
using mpsup::accelerator::ResponseReader;
using Event = ResponseReader::Event;

struct Outcome {
    std::string content, fields, problem;
    int status = 0;
    int interim = 0;
    bool whole = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, Expectation expectation, std::size_t step) {
    ResponseReader reader;
    reader.start(expectation);
    Outcome outcome;
    for (;;) {
        switch (reader.next()) {
        case Event::need_input: {
            if (bytes.empty()) {
                reader.received_end();
                break;
            }
            const auto space = reader.input_space();
            const std::size_t count = std::min({space.size(), bytes.size(), step});
            bytes.copy(space.data(), count);
            bytes.remove_prefix(count);
            reader.received(count);
            break;
        }
        case Event::interim: ++outcome.interim; break;
        case Event::head:
            outcome.status = reader.head().status;
            for (const auto& field : reader.head().fields)
                outcome.fields.append(field.name).append(":").append(field.value).append("\n");
            break;
        case Event::piece: outcome.content += reader.piece(); break;
        case Event::end: outcome.whole = true; return outcome;
        case Event::upgraded: outcome.content = std::string(reader.unread()) + std::string(bytes); return outcome;
        case Event::failed: outcome.problem = reader.problem(); return outcome;
        }
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Expectation expectation{(data[0] & 1U) != 0, (data[0] & 2U) != 0};
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = read(bytes, expectation, bytes.size() + 1);
    if (whole.content.size() > size || read(bytes, expectation, 1) != whole || read(bytes, expectation, 5) != whole)
        std::abort();
    return 0;
}
