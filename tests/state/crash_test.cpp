// A supervisor that is killed while it writes.
#include "state/store.h"

#include "database_folder.h"

#include <csignal>
#include <poll.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;

class KilledWriter : public DatabaseFolder {
protected:
    /// Writes intents until it is killed, and tells each one that is on the disk.
    [[noreturn]] void write_for_ever(int tell, int round) const {
        auto store = open_store(path_);
        if (!store) ::_exit(1);
        for (int i = 0;; ++i) {
            const auto uuid = std::to_string(round) + "-" + std::to_string(i);
            (*store)->event(event(std::string(3000, 'e')));
            (*store)->intend(process(uuid), [tell, i](bool written) {
                if (written && ::write(tell, &i, sizeof i) != sizeof i) ::_exit(2);
            });
            if (i % 64 == 0) (*store)->flush(10s);
        }
    }
};

TEST_F(KilledWriter, LosesNoIntentThatItAcknowledgedAndDamagesNothing) {
    std::mt19937 random(4);
    for (int round = 0; round < 20; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) write_for_ever(ends[1], round);
        ::close(ends[1]);
        // Killed after a random number of acknowledgements: in the middle of the next write, or of a checkpoint.
        int acknowledged = -1;
        const int enough = std::uniform_int_distribution(1, 600)(random);
        for (int i = 0; i < enough; ++i)
            if (::read(ends[0], &acknowledged, sizeof acknowledged) != sizeof acknowledged) break;
        ::kill(child, SIGKILL);
        while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << status;

        ASSERT_EQ(scalar("PRAGMA integrity_check"), "ok");
        const auto like = "SELECT count(*) FROM processes WHERE uuid LIKE '" + std::to_string(round) + "-%'";
        EXPECT_GT(std::stoi(scalar(like)), acknowledged);
        EXPECT_TRUE(put_aside().empty());
    }
}

} // namespace
} // namespace mpsup::state
