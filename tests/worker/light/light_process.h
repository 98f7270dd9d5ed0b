// Plays the supervisor of one real mpsup-light process, and its clients.
#pragma once

#include "base/fd.h"
#include "base/fd_passing.h"
#include "tests/worker/static/folder.h"
#include "worker/contract/light_control.h"
#include "worker/contract/messages.h"
#include "worker/contract/scoreboard.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::static_files {

/// A blocking client with a deadline for every read.
class Client {
public:
    explicit Client(Fd socket) : socket_(std::move(socket)) {}

    void send(std::string_view bytes);
    /// Reads one reply: its head and the content that Content-Length announces. Empty at the end of the stream.
    [[nodiscard]] std::string read_reply(bool is_head = false);
    /// Everything up to the end of the stream. A reset adds "[reset]", silence for ten seconds "[silence]".
    [[nodiscard]] std::string read_all();
    void stop_sending();
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    bool read_some();
    Fd socket_;
    std::string buffer_;
    std::string trouble_;
};

class LightProcess {
public:
    struct Options {
        std::vector<std::string> serves;
        std::chrono::milliseconds grace{5000};
        bool serve = true;                      // say so once it is ready
        unsigned descriptors = 0;               // RLIMIT_NOFILE, 0: as it is
        std::optional<contract::Front> front{}; // it is an accelerator with this, and `serves` says nothing
    };
    /// Spawns, greets, hands over the descriptors and waits until it is ready. alive() tells how that went.
    LightProcess(const std::string& root, const Options& options);
    ~LightProcess();
    LightProcess(const LightProcess&) = delete;
    LightProcess& operator=(const LightProcess&) = delete;

    [[nodiscard]] bool alive() const { return pid_ > 0; }
    [[nodiscard]] Client connect() const;         // to the public listener
    [[nodiscard]] Client connect_private() const; // to the private one
    void say(const contract::Message& message);
    /// What it answers to a question; empty: nothing within ten seconds.
    [[nodiscard]] std::string ask(const contract::Question& question);
    void hang_up() { connection_.reset(); }
    /// The next hello, when it looks for a supervisor again; nothing when it does not within ten seconds.
    [[nodiscard]] std::optional<contract::Hello> comes_back();
    /// Descriptors that came with it.
    [[nodiscard]] const std::vector<Fd>& handed_back() const { return handed_back_; }
    [[nodiscard]] std::uint16_t port() const { return port_; } // of the public listener, at 127.0.0.1
    void signal(int number) const;
    /// Its exit code, or nothing when it lives on after ten seconds.
    [[nodiscard]] std::optional<int> wait_for_exit();
    [[nodiscard]] std::string access_log() const;
    [[nodiscard]] contract::ScoreboardSnapshot scoreboard() const { return scoreboard_.read(); }
    [[nodiscard]] const contract::Hello& hello() const { return hello_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    void spawn(const Options& options);
    [[nodiscard]] std::optional<std::pair<contract::Message, std::vector<Fd>>> hear();

    Folder run_;
    std::uint16_t port_ = 0;
    Fd contract_listener_, connection_, public_, private_;
    pid_t pid_ = -1;
    contract::Hello hello_;
    std::vector<Fd> handed_back_;
    contract::ScoreboardReader scoreboard_;
};

} // namespace mpsup::static_files
