// An etcd of a test's own, which ends with the test, however that ends.
#pragma once

#include "base/fd.h"
#include "base/listener.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mpsup::cluster {

inline bool etcd_is_here() { return ::access("/usr/bin/etcd", X_OK) == 0 && ::access("/usr/bin/etcdctl", X_OK) == 0; }

inline std::uint16_t a_free_port() { return listening_address(listen_tcp({"127.0.0.1", 0})->get())->port; }

/// A process that is killed when this or the thread that started it ends. What it says goes to `log`.
class Process {
public:
    Process(const std::vector<std::string>& words, const std::string& log) {
        std::vector<char*> arguments;
        for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::setenv("ETCDCTL_API", "3", 1);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ~Process() {
        if (pid_ > 0) (void)end(SIGKILL);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void tell(int signal) const { ::kill(pid_, signal); }
    [[nodiscard]] pid_t pid() const { return pid_; }
    int end(int signal = 0) {
        if (signal != 0) tell(signal);
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return status;
    }

private:
    pid_t pid_ = -1;
};

/// One member.
class RealEtcd {
public:
    /// `more`: options of its own, "--name=value". `scheme` of the URL that clients come by.
    explicit RealEtcd(std::string name, std::vector<std::string> more = {"--unsafe-no-fsync"},
                      std::string scheme = "http")
        : name_(std::move(name)),
          more_(std::move(more)),
          scheme_(std::move(scheme)),
          folder_(std::filesystem::path("/tmp") / ("mpsup-etcd-" + std::to_string(::getpid()) + "-" + name_)) {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~RealEtcd() {
        process_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    RealEtcd(const RealEtcd&) = delete;
    RealEtcd& operator=(const RealEtcd&) = delete;

    [[nodiscard]] std::string member() const { return name_ + "=" + peer_url(); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string folder() const { return folder_; }
    void start(const std::string& cluster = {}) {
        std::vector<std::string> words{"/usr/bin/etcd",
                                       "--name=" + name_,
                                       "--data-dir=" + folder_.string() + "/data",
                                       "--listen-client-urls=" + url(),
                                       "--advertise-client-urls=" + url(),
                                       "--listen-peer-urls=" + peer_url(),
                                       "--initial-advertise-peer-urls=" + peer_url(),
                                       "--initial-cluster=" + (cluster.empty() ? member() : cluster)};
        words.insert(words.end(), more_.begin(), more_.end());
        process_ = std::make_unique<Process>(words, folder_.string() + "/log");
    }
    void kill() { process_.reset(); }
    [[nodiscard]] const Process& process() const { return *process_; }
    /// What etcdctl does with it; its exit status.
    int ctl(std::vector<std::string> words) const {
        words.insert(words.begin(), {"/usr/bin/etcdctl", "--endpoints=" + url()});
        Process ctl(words, folder_.string() + "/ctl");
        return ctl.end();
    }
    [[nodiscard]] std::string log() const {
        std::ostringstream text;
        text << std::ifstream(folder_.string() + "/log").rdbuf();
        return std::move(text).str();
    }

private:
    [[nodiscard]] std::string peer_url() const { return "http://127.0.0.1:" + std::to_string(peer_port_); }
    std::string name_;
    std::vector<std::string> more_;
    std::string scheme_;
    std::filesystem::path folder_;
    std::uint16_t port_ = a_free_port(), peer_port_ = a_free_port();
    std::unique_ptr<Process> process_{};
};

} // namespace mpsup::cluster
