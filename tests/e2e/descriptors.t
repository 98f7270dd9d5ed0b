# Which descriptors each process holds: exactly those it needs, whatever was open where `mpsup up` was typed.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until);
use POSIX       ();
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
# A program that the application starts: it lists its own descriptors.
$site->write('app.psgi', <<'APP');
sub {
    open my $program, '-|', 'ls', '-l', '/proc/self/fd' or die;
    my @lines = <$program>;
    return [200, ['Content-Type' => 'text/plain'], \@lines];
}
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");

# Two strays, open in every program that this one starts: one of a file, one of a pipe, neither close-on-exec.
my $stray = POSIX::open($site->write('stray', 'x'), POSIX::O_RDWR()) // die;
my @pipe = POSIX::pipe();
POSIX::dup2($stray, 30);
POSIX::dup2($pipe[1], 31);

$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 60s}}
YAML

# "0 /dev/null" …, kinds instead of numbers that differ from run to run.
sub table_of {
    my ($pid) = @_;
    my %count;
    for my $link (glob "/proc/$pid/fd/*") {
        my $target = readlink $link or next;
        my ($number) = $link =~ m{/(\d+)$};
        my $kind = $target =~ s/:\[\d+\]$//r =~ s/^\Q$site->{state}\E\/test\///r =~ s{^anon_inode:\[?(\w+)\]?}{$1}r;
        $kind = 'root folder' if $target eq $site->dir . '/root';
        ++$count{ $number <= 2 ? "$number $kind" : $kind };
    }
    return \%count;
}
sub settled { my ($pid, $expected, $what) = @_; eval { wait_until(3, $what, sub { eq_hash(table_of($pid), $expected) }) }; is_deeply table_of($pid), $expected, $what }

my ($light)  = $site->pids('docs', 'light');
my ($master) = $site->pids('app',  'master');
my ($child)  = $site->pids('app',  'child');

settled($light, {
    '0 /dev/null' => 1, '1 log/docs.log' => 1, '2 log/docs.log' => 1,
    'socket' => 4,              # its listener, one more of it for the next supervisor, its private listener, the contract
    'log/docs.access.log' => 1,
    'root folder' => 1,
    'eventpoll' => 1, 'eventfd' => 1,
    'timerfd' => 2,             # Asio's, and that of the search for a supervisor
    '/memfd:mpsup-scoreboard (deleted)' => 1,
    'pipe' => 2,                # Asio's, for signals
}, 'the light worker') or diag explain table_of($light);

# To put back what an application does to its descriptors and its working directory.
my %kept = ('/dev/null' => 1, 'log/app.log' => 2, $site->dir => 1);

settled($master, {
    '0 /dev/null' => 1, '1 log/app.log' => 1, '2 log/app.log' => 1,
    'socket' => 3 + 2,          # listener, private listener, contract; a channel to each of two children
    'log/app.access.log' => 1,
    'pidfd' => 2,               # its children
    'signalfd' => 1,            # of SIGCHLD: a child was stopped
    '/memfd:mpsup-scoreboard (deleted)' => 2, # theirs, for the next supervisor
    'eventfd' => 2,             # by which they call it, and each other
    'inotify' => 1,             # on what it has loaded
    %kept,
}, 'the pool master') or diag explain table_of($master);

settled($child, {
    '0 /dev/null' => 1, '1 log/app.log' => 1, '2 log/app.log' => 1,
    'socket' => 3,              # listener, private listener, the channel to its master
    '/memfd:mpsup-scoreboard (deleted)' => 1, # its own
    'log/app.access.log' => 2,  # its own, and the one that it would be master with
    'eventpoll' => 1, 'eventfd' => 2,
    %kept,
}, 'a child') or diag explain table_of($child);

my $listing = request($pages, '/')->{body};
my @program = $listing =~ /(\d+) -> (\S+)/g;
my %program = @program;
delete $program{3}; # the folder that ls itself reads
is_deeply [sort keys %program], [0, 1, 2], 'a program that the application starts has its standard three'
    or diag $listing;
like $program{1}, qr/^pipe:/, 'its output goes to the application';

my $supervisor = $site->supervisor_pid;
ok !(grep { (readlink($_) // '') eq $site->dir . '/stray' } glob "/proc/$supervisor/fd/*"), 'nothing stray in the supervisor';
done_testing;
