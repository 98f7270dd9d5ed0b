#!/usr/bin/perl
# What each of the shipped layouts costs on the demo: memory of all processes of the site (PSS: what is shared is counted once), when
# nobody has asked yet and after the load; and CPU time a request of all of them, for a file, a page of the demo and one of gitweb (with
# the git programs that it runs). Servers on one core, four clients with kept connections on the other. Prints the table of README.
# usage: layouts.pl [ROUNDS [REQUESTS [LAYOUT…]]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::Bench   qw(run_on tree cpu_of difference median missing_programs);
use Mpsup::Layouts qw(layout_names new_layout bring_up);
use Mpsup::Test    qw(connect_to read_file wait_until);
use POSIX          ();
use Time::HiRes    qw(sleep);

my ($rounds, $requests, @names) = (shift // 5, shift // 2000, @ARGV);
@names = qw(one-big two-ports two-ips dso accelerated-one-big accelerated-two-ports accelerated-two-ips accelerated-dso) if !@names;
if (!-r '/usr/share/gitweb/gitweb.cgi' or missing_programs('taskset') or `nproc` < 2) {
    print "layouts: needs gitweb, taskset and two cores: not measured\n";
    exit 0;
}
my $clients = 4;
my %of = (file => '/demo/static/demo.css', page => '/demo/links', gitweb => '/');

sub memory_of {
    my $sum = 0;
    $sum += 1024 * $_ for map { read_file("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m } @_;
    return $sum;
}

# Seconds on a core, with those of processes that were started and have ended meanwhile; in ticks, so for what takes long.
sub cpu_with_programs {
    my $ticks = 0;
    for my $pid (@_) {
        my (undef, $rest) = split /\) /, read_file("/proc/$pid/stat"), 2;
        my @fields = split ' ', $rest;
        $ticks += $_ for @fields[11 .. 14];
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Clients that ask so often each; every reply must be a good one.
sub load {
    my ($authority, $path, $each) = @_;
    my ($ip, $port) = split /:/, $authority;
    my @pids;
    for (1 .. $clients) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $good = 0;
            while ($good < $each) { # a server may end a connection after a request
                my ($socket, $buffer) = (connect_to($port, $ip), '');
                while ($good < $each) {
                    syswrite $socket, "GET $path HTTP/1.1\r\nHost: $authority\r\n\r\n";
                    my $reply = Mpsup::Test::read_reply($socket, 'GET', \$buffer) or last;
                    POSIX::_exit(1) if $reply->{status} != 200;
                    ++$good;
                    last if ($reply->{headers}{connection} // '') =~ /close/i;
                }
            }
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    for (@pids) { waitpid $_, 0; die "not every reply was a good one\n" if $? }
    return $clients * $each;
}

# Microseconds on a core for each request.
sub cost {
    my ($layout, $root, $what) = @_;
    my $server = $layout->{ $what eq 'file' ? 'files' : 'pages' };
    if ($what eq 'gitweb') {
        my $before = cpu_with_programs(tree($root));
        my $asked  = load($server, $of{$what}, $requests / 200);
        return 1e6 * (cpu_with_programs(tree($root)) - $before) / $asked;
    }
    my $before = cpu_of(tree($root));
    my $asked  = load($server, $of{$what}, $requests / $clients);
    my %used   = difference($before, cpu_of(tree($root)));
    my $sum    = 0;
    $sum += $_ for values %used;
    return 1e6 * $sum / $asked;
}

my %result;
for my $name (@names) { # one after the other: memory that two of them share would count for half
    run_on(0);
    my $layout = new_layout($name);
    bring_up($layout);
    my $site = $layout->{site};
    my $root = $site->supervisor_pid;
    my %got  = (processes => scalar(tree($root)), idle => memory_of(tree($root)));
    run_on(1);
    cost($layout, $root, $_) for sort keys %of; # not counted: first requests are slower
    for my $what (sort keys %of) { $got{$what} = median(map { cost($layout, $root, $what) } 1 .. $rounds) }
    $got{busy} = memory_of(tree($root));
    $site->must('down');
    $result{$name} = \%got;
}

print "| layout | processes | memory, idle | after load | a file | a page | a page of gitweb |\n|---|---|---|---|---|---|---|\n";
for my $name (@names) {
    my $got = $result{$name};
    printf "| `%s` | %d | %.0f MB | %.0f MB | %.0f µs | %.0f µs | %.0f ms |\n", $name, $got->{processes}, $got->{idle} / 1e6, $got->{busy} / 1e6,
        $got->{file}, $got->{page}, $got->{gitweb} / 1e3;
}
