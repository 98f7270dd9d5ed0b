// Files over HTTP without a supervisor: bench_server PORT FOLDER THREADS LOG.
#include "base/descriptor_limit.h"
#include "base/listener.h"
#include "worker/contract/scoreboard.h"
#include "worker/http/event_server.h"
#include "worker/static/file_handler.h"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

using namespace mpsup; // NOLINT: a program of one page

int main(int argc, char** argv) {
    if (argc != 5) return std::fputs("usage: bench_server PORT FOLDER THREADS LOG\n", stderr), EXIT_FAILURE;
    raise_descriptor_limit();
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return EXIT_FAILURE;
    if (::listen(listener.get(), 4096) != 0) return EXIT_FAILURE;
    auto log = open_file(argv[4], O_WRONLY | O_CREAT | O_APPEND);
    if (!log) return EXIT_FAILURE;
    std::vector<std::unique_ptr<static_files::FileHandler>> handlers;
    std::vector<http::Handler*> pointers;
    for (int i = 0; i < std::atoi(argv[3]); ++i) {
        auto files = static_files::StaticFiles::open(argv[2], {});
        if (!files) return EXIT_FAILURE;
        handlers.push_back(std::make_unique<static_files::FileHandler>(std::move(*files)));
        pointers.push_back(handlers.back().get());
    }
    contract::ScoreboardWriter scoreboard;
    http::EventServer server({}, pointers, std::move(*log), scoreboard);
    if (!server.listen(std::move(listener))) return EXIT_FAILURE;
    server.on_terminate([&server] { server.drain(std::chrono::milliseconds(0)); });
    server.run();
    return EXIT_SUCCESS;
}
