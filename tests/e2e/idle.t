# A supervisor with nothing to do does nothing, and is small.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request read_file wait_until);
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'strace is not installed' if !grep { -x "$_/strace" } split /:/, $ENV{PATH};
plan skip_all => 'sanitizers need memory of their own' if Mpsup::Test::build_dir() =~ /asan|tsan/;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, health: {every: 60s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 60s}}
YAML
my $supervisor = $site->supervisor_pid;
my ($pss) = read_file("/proc/$supervisor/smaps_rollup") =~ /^Pss:\s+(\d+) kB/m;
cmp_ok $pss, '<=', 12 * 1024, "the supervisor's memory (PSS): $pss kB";

# The first probes, and what is written after them, are a matter of the first seconds.
sleep 3;
my $trace = $site->dir . '/trace';
my $pid = fork // die;
if (!$pid) {
    open STDERR, '>', $site->dir . '/err' or die;
    exec 'timeout', '-s', 'INT', '10', 'strace', '-f', '-qq', '-o', $trace, '-p', $supervisor or die;
}
waitpid $pid, 0;
# Each thread is in one call from before, and is still in it when strace leaves: nothing begins and nothing returns.
my @lines = split /\n/, read_file($trace);
my %waits;
my @calls = grep { !(/^(\d+) +(?:epoll_wait|epoll_pwait|futex|restart_syscall)\(.*(?:unfinished|detached)/ && !$waits{$1}++)
    && !/<detached \.\.\.>$/ } @lines;
is_deeply \@calls, [], 'not one system call in ten seconds';
is scalar(grep { $_ > 1 } values %waits), 0, 'and no wait that ended';
done_testing;
