#include "worker/dynamic/child.h"

#include "base/output.h"
#include "worker/dynamic/client.h"
#include "worker/dynamic/doors.h"
#include "worker/dynamic/forwarded.h"
#include "worker/dynamic/own_memory.h"
#include "worker/dynamic/request_clock.h"
#include "worker/dynamic/wear_report.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sys/epoll.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

using http::Clock;
using http::TimePoint;

constexpr auto log_delay = std::chrono::milliseconds(100); // lines of the access log wait for others that long

std::int64_t to_ms(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::uint64_t to_us(Clock::duration time) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

class Child {
public:
    explicit Child(ChildSetup setup)
        : setup_(std::move(setup)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          access_log_(Fd(::fcntl(setup_.access_log, F_DUPFD_CLOEXEC, 3))),
          context_{{{}, setup_.deadlines},
                   access_log_,
                   {trusted_limits(), trusted_deadlines(setup_.deadlines)},
                   std::to_string(::getpid()) + " " + std::to_string(generation()),
                   nullptr,
                   links::SiteLinks(setup_.go.links),
                   {},
                   {}},
          clock_(setup_.go.limits, setup_.engine, setup_.scoreboard, setup_.channel.fd(),
                 static_cast<char>(ChannelWord::slow)),
          doors_(epoll_.get(), std::move(setup_.public_listeners), std::move(setup_.private_listeners),
                 setup_.board.handed_on_fd()),
          wear_(setup_.go.recycle, setup_.channel, Clock::now()),
          last_request_(Clock::now()),
          memory_(setup_.image, last_request_) {
        sigset_t term;
        ::sigemptyset(&term);
        ::sigaddset(&term, SIGTERM);
        // SIGTERM reaches us where we wait: so none is missed between a look at the flag and the wait, and no sleep of
        // the application is cut short for a signal that means the end of the request. The engine lets it through again
        // in what the application forks.
        ::sigprocmask(SIG_BLOCK, &term, &outside_);
        ::sigdelset(&outside_, SIGTERM);
    }

    Promoted run() {
        if (!epoll_ || !watch(setup_.channel.fd(), EPOLLIN)) give_up("cannot wait for clients");
        if (const links::LinkMap* const map = context_.links.map())
            context_.filter.emplace(
                *map, links::PageTag(context_.links.tag()), [this](contract::PageFate fate) { note_page(fate); },
                [] { return Clock::now(); });
        if (!setup_.go.files.root.empty()) open_folder();
        doors_.open_private();
        setup_.engine.run_hook(perl::Hook::post_fork);
        if (setup_.serves_already) begin_to_serve();
        setup_.scoreboard.set(contract::Activity::waiting);
        setup_.scoreboard.set_last(to_ms(last_request_));
        setup_.board.set(setup_.slot, PoolBoard::Slot::idle);
        setup_.channel.say(ChannelWord::ready);
        while (!is_done()) turn();
        access_log_.flush();
        if (promotion_) return {std::move(session_), *promotion_};
        setup_.engine.run_hook(perl::Hook::pre_exit);
        setup_.engine.leave(0);
    }

private:
    // One round: wait, then the master's word, then new clients, then what clients sent.
    void turn() {
        std::array<epoll_event, 64> events{};
        const int count = wait(events);
        TimePoint now = Clock::now(); // and again after each request
        const auto ready = std::span(events).first(static_cast<std::size_t>(std::max(count, 0)));
        for (const epoll_event& event : ready)
            if (event.data.fd == control_fd()) hear();
        if (leaves_queue_to_others(ready))
            setup_.board.hand_on(setup_.slot);
        else
            accept_newcomers(ready, now);
        for (const epoll_event& event : ready) attend(event.data.fd, true, now);
        attending_.swap(unfinished_);
        for (const int fd : attending_) attend(fd, false, now);
        attending_.clear();
    }

    // A connection that is taken now would wait behind whatever long request is served in this round. In the queue it is there
    // for whoever is idle, but he has to be woken: an exclusive wake-up was ours alone. Not twice in a row, or clients that
    // never pause would keep out all others.
    bool leaves_queue_to_others(std::span<const epoll_event> ready) {
        bool has_newcomer = false;
        bool has_client = !unfinished_.empty();
        for (const epoll_event& event : ready) {
            has_newcomer = has_newcomer || doors_.is_public(event.data.fd);
            has_client = has_client || clients_.contains(event.data.fd);
        }
        return left_queue_ = has_newcomer && has_client && !left_queue_;
    }

    // One of all doors in a round: a second one would wait behind what the first asks for, and is left to others in the same way.
    void accept_newcomers(std::span<const epoll_event> ready, TimePoint now) {
        bool has_taken = false;
        for (const epoll_event& event : ready) {
            const int fd = event.data.fd;
            const bool is_left_by_others = fd == setup_.board.handed_on_fd();
            if (is_left_by_others) setup_.board.heed();
            if (doors_.is_private(fd))
                (void)accept_one(fd, now);
            else if ((is_left_by_others || doors_.is_public(fd)) && has_taken)
                setup_.board.hand_on(setup_.slot);
            else if (is_left_by_others)
                has_taken = accept_from_any(now);
            else if (doors_.is_public(fd))
                has_taken = accept_one(fd, now);
        }
    }

    bool accept_from_any(TimePoint now) {
        return std::ranges::any_of(doors_.opened(), [&](int listener) { return accept_one(listener, now); });
    }

    int wait(std::span<epoll_event> events) {
        const TimePoint now = Clock::now();
        expire(now);
        if (is_done()) return 0;
        clock_.rest(now);
        const int count = ::epoll_pwait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                        wait_milliseconds(now), &outside_);
        if (count < 0) setup_.engine.dispatch_signals();
        if (setup_.engine.was_told_to_end()) begin_to_leave(setup_.grace);
        return count;
    }

    int wait_milliseconds(TimePoint now) const {
        if (!unfinished_.empty()) return 0;
        std::optional<TimePoint> next = leave_at_;
        const auto consider = [&](std::optional<TimePoint> time) {
            if (time && (!next || *time < *next)) next = time;
        };
        consider(doors_.next_look());
        consider(log_due_);
        consider(memory_.next_look());
        consider(search_at_);
        consider(clock_.rest_again_at());
        if (!leaving_) consider(wear_.next_look(last_request_));
        for (const auto& [fd, client] : clients_) consider(client->deadline());
        if (!next) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
        return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
    }

    // Clients

    // Was somebody there?
    bool accept_one(int listener, TimePoint now) {
        Fd socket = doors_.accept(listener, now);
        if (!socket) return false;
        const int fd = socket.get();
        auto client = std::make_unique<Client>(context_, std::move(socket), doors_.peer_of(listener), now);
        if (leaving_) client->drain();
        if (!watch(fd, EPOLLIN)) return true;
        client->readable(); // its first bytes are often there already
        clients_[fd] = std::move(client);
        unfinished_.push_back(fd);
        return true;
    }

    // Lets one client come as far as it can, one request at most: then it is the others' turn.
    void attend(int fd, bool readable, TimePoint& now) {
        const auto found = clients_.find(fd);
        if (found == clients_.end()) return;
        Client& client = *found->second;
        if (readable) client.readable();
        switch (client.advance(now)) {
        case Client::Turn::waiting:
            if (!client.is_private() && client.is_first_wait()) doors_.queue_up_again();
            return;
        case Client::Turn::closed: clients_.erase(found); return;
        case Client::Turn::request:
            serve(client, now);
            now = last_request_;
            unfinished_.push_back(fd);
            return;
        }
    }

    void serve(Client& client, TimePoint began) {
        clock_.begin(began);
        setup_.board.become_busy(setup_.slot);
        setup_.scoreboard.begin_request(client.request().method, client.request().path, to_ms(began),
                                        clock_.deadline_ms());
        const bool harakiri = !client.serve_without_application() && call_application(client);
        clock_.end();
        last_request_ = Clock::now();
        memory_.note_request(last_request_);
        if (!log_due_ && access_log_.pending()) log_due_ = last_request_ + log_delay;
        if (!client.is_private()) setup_.scoreboard.count_reply(client.status(), to_us(last_request_ - began));
        if (!client.is_private() && client.status() >= 500)
            setup_.scoreboard.note_failure(client.status(), client.failure());
        setup_.scoreboard.end_request(to_ms(last_request_));
        setup_.board.become_idle(setup_.slot);
        if (leaving_) setup_.scoreboard.set(contract::Activity::finishing);
        if (harakiri && !leaving_) {
            setup_.channel.say(ChannelWord::harakiri);
            begin_to_leave(setup_.grace);
        }
        // It goes on until its successor is ready and it is told to leave.
        if (!leaving_) wear_.after_request(memory_, setup_.scoreboard, last_request_);
    }

    // One of all children says it, once for each reason.
    void note_page(contract::PageFate fate) {
        setup_.scoreboard.count_page(fate);
        if (contract::is_untouched(fate) && setup_.board.is_first(static_cast<unsigned>(fate)))
            std::fprintf(stderr, "mpsup: %s\n", links::sentence_of(fate).c_str());
    }

    bool call_application(Client& client) {
        client.serve(setup_.engine);
        // What the application forked may have come back through a die: this is no server.
        if (!setup_.engine.is_our_process()) setup_.engine.leave(0);
        const bool harakiri = setup_.engine.finish_request();
        if (!setup_.engine.is_our_process()) setup_.engine.leave(0);
        setup_.engine.dispatch_signals();
        return harakiri;
    }

    void expire(TimePoint now) {
        std::vector<int> late;
        for (const auto& [fd, client] : clients_)
            if (const auto deadline = client->deadline(); deadline && *deadline <= now) late.push_back(fd);
        for (const int fd : late) {
            clients_[fd]->expired(now);
            attend(fd, true, now);
        }
        if (const auto& due = memory_.next_look(); due && *due <= now) memory_.give_back(last_request_, now);
        if (search_at_ && *search_at_ <= now) search_supervisor(now);
        if (log_due_ && *log_due_ <= now) {
            log_due_.reset();
            access_log_.flush();
        }
        doors_.open_again(now);
        if (!leaving_) wear_.when_idle(last_request_, now);
        if (leave_at_ && *leave_at_ <= now) clients_.clear();
    }

    // The master, or the supervisor

    int control_fd() const { return session_ ? session_->fd() : setup_.channel.fd(); }

    void hear() {
        if (session_) return hear_supervisor();
        ChannelWord word{};
        Fd passed;
        switch (setup_.channel.hear(word, passed)) {
        case ChildChannel::Heard::nothing: return;
        case ChildChannel::Heard::end: return speak_for_ourselves();
        case ChildChannel::Heard::word:
            if (word == ChannelWord::serve) begin_to_serve();
            if (word == ChannelWord::drain) begin_to_leave(setup_.grace);
            if (word == ChannelWord::release) speak_for_ourselves();
            if (word == ChannelWord::ping) setup_.channel.say(ChannelWord::pong);
            if (word == ChannelWord::output)
                reopen(contract::FdRole::output, std::move(passed));
            else if (word == ChannelWord::access)
                reopen(contract::FdRole::access_log, std::move(passed));
            return;
        }
    }

    // Between two requests: a line of the application is in one file or in the other.
    void reopen(contract::FdRole role, Fd file) {
        if (!file) return;
        setup_.engine.flush();
        if (role == contract::FdRole::output) move_output(file);
        if (role == contract::FdRole::access_log) access_log_.reopen(std::move(file));
    }

    // The master is dead, or has let go of us. We serve on, and the supervisor tells us what to be.
    void speak_for_ourselves() {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, setup_.channel.fd(), nullptr);
        if (!setup_.command_line) return begin_to_leave(setup_.grace); // nobody ever will
        search_supervisor(Clock::now());
    }

    void search_supervisor(TimePoint now) {
        search_at_ = now + contract::search_interval;
        const auto stage = leaving_   ? contract::Stage::draining
                           : serving_ ? contract::Stage::serving
                                      : contract::Stage::ready;
        if (!setup_.command_line) return;
        contract::Return with{stage, 0, {}, setup_.scoreboard_memory.get()};
        if (!leaving_) with.public_listeners = doors_.public_listeners();
        auto session = contract::Session::come_back(*setup_.command_line, contract::Role::child, with);
        if (!session) return;
        session_.emplace(std::move(*session));
        search_at_.reset();
        if (!watch(session_->fd(), EPOLLIN)) begin_to_leave(setup_.grace);
    }

    void hear_supervisor() {
        if (!session_) return;
        auto received = session_->receive();
        if (!received && received.error().code.value() == EAGAIN) return;
        if (!received) {
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, session_->fd(), nullptr);
            session_.reset();
            if (promotion_) return; // it is to be a master, and looks for a supervisor as one
            search_at_ = Clock::now() + contract::search_interval;
            return;
        }
        if (const auto* order = std::get_if<contract::Reopen>(&received->message))
            for (std::size_t i = 0; i < std::min(order->fds.size(), received->fds.size()); ++i)
                reopen(order->fds[i], std::move(received->fds[i]));
        if (const auto* drain = std::get_if<contract::Drain>(&received->message)) {
            promotion_.reset();
            begin_to_leave(drain->grace);
        }
        const auto* promote = std::get_if<contract::Promote>(&received->message);
        if (promote && (promotion_ || !leaving_)) { // on its way there it may be told another size
            promotion_ = *promote;
            begin_to_leave(setup_.grace); // of its clients: a master has none
        }
    }

    void begin_to_serve() {
        if (std::exchange(serving_, true)) return doors_.queue_up_again(); // another generation is to get clients first
        doors_.open_public();
    }

    // Nobody new; whoever is here gets Connection: close with the next reply, and keeps the idle time it was promised.
    void begin_to_leave(std::chrono::milliseconds grace) {
        if (std::exchange(leaving_, true)) return;
        setup_.scoreboard.set(contract::Activity::finishing);
        leave_at_ = Clock::now() + grace;
        doors_.close();
        for (const auto& [fd, client] : clients_) client->drain();
    }

    bool is_done() const { return leaving_ && clients_.empty(); }

    // Descriptors

    bool watch(int fd, std::uint32_t events) {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
    }
    std::uint64_t generation() const { return setup_.command_line ? setup_.command_line->identity.generation : 0; }

    [[noreturn]] void give_up(const char* why) {
        std::fprintf(stderr, "mpsup: %s: %s\n", why, std::strerror(errno));
        setup_.engine.leave(1);
    }

    void open_folder() {
        contract::Files folder = setup_.go.files;
        folder.compress = false; // its time is the application's
        static_files::StaticFiles::Options options;
        options.pages = {context_.links.map(), context_.links.tag(),
                         [this](contract::PageFate fate) { note_page(fate); }};
        auto files = static_files::StaticFiles::open(std::move(folder), options);
        if (!files) {
            std::fprintf(stderr, "mpsup: %s\n", files.error().to_string().c_str());
            setup_.engine.leave(1);
        }
        files_.emplace(std::move(*files));
        context_.files = &*files_;
    }

    ChildSetup setup_;
    Fd epoll_;
    sigset_t outside_{}; // the signal mask while we wait
    http::AccessLog access_log_;
    ClientContext context_;
    std::optional<static_files::StaticFiles> files_;
    RequestClock clock_;
    Doors doors_;
    WearReport wear_;
    TimePoint last_request_; // its end; the birth of the child before the first
    OwnMemory memory_;
    std::optional<contract::Promote> promotion_;
    std::map<int, std::unique_ptr<Client>> clients_; // by descriptor
    std::vector<int> unfinished_;                    // clients that may have more for us without the kernel saying so
    std::vector<int> attending_;                     // those of the round before; empty between rounds
    bool left_queue_ = false;                        // in this round a client was left to others
    std::optional<contract::Session> session_;       // with the supervisor, once the master is dead
    std::optional<TimePoint> search_at_;             // when to look for one
    std::optional<TimePoint> log_due_;               // when lines of the access log that wait are written
    std::optional<TimePoint> leave_at_;
    bool serving_ = false;
    bool leaving_ = false;
};

} // namespace

Promoted run_child(ChildSetup setup) {
    setup.engine.became_child();
    return Child(std::move(setup)).run();
}

} // namespace mpsup::dynamic
