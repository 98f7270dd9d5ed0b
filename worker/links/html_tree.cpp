#include "worker/links/html_tree.h"

#include "worker/http/char_class.h"

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <ctime>
#include <utility>
#include <vector>

namespace mpsup::links {

namespace {

constexpr std::size_t block_size = 64U << 10;
constexpr unsigned looks_at_clock = 256; // allocations between

std::chrono::nanoseconds thread_cpu() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

// Gumbo has no way to be stopped and checks no allocation: when a limit is reached we leave it by longjmp, over frames of C
// that own nothing but memory of this arena.
class HtmlTree::Arena {
public:
    explicit Arena(const ParseLimits& limits) : limits_(limits), cpu_end_(thread_cpu() + limits.cpu) {}

    // Null: a limit was reached.
    GumboOutput* parse(std::string_view text) {
        if (setjmp(limit_reached_) != 0) return nullptr; // NOLINT(cert-err52-cpp): see above
        GumboOptions options = kGumboDefaultOptions;
        options.allocator = [](void* arena, std::size_t size) { return static_cast<Arena*>(arena)->allocate(size); };
        options.deallocator = [](void*, void*) {};
        options.userdata = this;
        options.max_errors = limits_.errors;
        return gumbo_parse_with_options(&options, text.data(), text.size());
    }

private:
    using Block = std::unique_ptr<char[]>;

    void* allocate(std::size_t size) {
        constexpr std::size_t alignment = alignof(std::max_align_t);
        size = (size + alignment - 1) / alignment * alignment;
        if (++allocations_ % looks_at_clock == 0 && thread_cpu() > cpu_end_) stop();
        if (size > left_) more(size);
        left_ -= size;
        return std::exchange(next_, next_ + size);
    }

    void more(std::size_t size) {
        const std::size_t room = std::max(size, block_size);
        if (room > limits_.memory - used_) stop();
        used_ += room;
        blocks_.push_back(Block(new char[room])); // not cleared
        next_ = blocks_.back().get();
        left_ = room;
    }

    [[noreturn]] void stop() { std::longjmp(limit_reached_, 1); } // NOLINT(cert-err52-cpp)

    ParseLimits limits_;
    std::chrono::nanoseconds cpu_end_;
    std::jmp_buf limit_reached_{};
    std::vector<Block> blocks_;
    char* next_ = nullptr;
    std::size_t left_ = 0;
    std::size_t used_ = 0;
    unsigned allocations_ = 0;
};

ParseLimits ParseLimits::of_page(std::size_t size) noexcept {
    return {(std::size_t{1} << 20U) + 64 * size, std::chrono::milliseconds(20) + std::chrono::nanoseconds(250) * size};
}

HtmlTree::HtmlTree(std::unique_ptr<Arena> arena, const GumboNode* document) noexcept
    : arena_(std::move(arena)), document_(document) {}
HtmlTree::HtmlTree(HtmlTree&&) noexcept = default;
HtmlTree& HtmlTree::operator=(HtmlTree&&) noexcept = default;
HtmlTree::~HtmlTree() = default;

std::string_view name_of(const GumboAttribute& attribute, std::string& memory) {
    const std::string_view raw(attribute.original_name.data, attribute.original_name.length);
    const std::size_t before = raw.find_last_of(" \t\n\f\r/");
    if (before == std::string_view::npos) return attribute.name;
    memory = raw.substr(before + 1);
    std::ranges::transform(memory, memory.begin(), http::lower);
    return memory;
}

std::expected<HtmlTree, ParseFailure> HtmlTree::parse(std::string_view text, const ParseLimits& limits) {
    auto arena = std::make_unique<Arena>(limits);
    const GumboOutput* output = arena->parse(text);
    if (!output) return std::unexpected(ParseFailure::too_costly);
    return HtmlTree(std::move(arena), output->document);
}

const GumboVector* HtmlTree::children_of(const GumboNode& node) noexcept {
    switch (node.type) {
    case GUMBO_NODE_DOCUMENT: return &node.v.document.children;
    case GUMBO_NODE_ELEMENT:
    case GUMBO_NODE_TEMPLATE: return &node.v.element.children;
    default: return nullptr;
    }
}

} // namespace mpsup::links
