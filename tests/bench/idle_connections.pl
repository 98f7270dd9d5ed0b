#!/usr/bin/perl
# Memory of 10,000 keep-alive connections that are idle: each has made a request, and then nothing for three seconds.
# Target: the whole process at most 60 MB. Needs as many descriptors itself.
# usage: idle_connections.pl [COUNT]
use strict;
use warnings;
use File::Temp ();
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(build_dir free_port wait_until read_file write_file);
use POSIX ();
use Socket qw(inet_aton pack_sockaddr_in PF_INET SOCK_STREAM);

my $count = shift // 10_000;
if (POSIX::sysconf(&POSIX::_SC_OPEN_MAX) < $count + 100) { # again, with as many as there may be
    exec 'bash', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'bash', $^X, $0, $count if !$ENV{MPSUP_BENCH_AGAIN}++;
    die "this needs $count descriptors\n";
}
my $dir  = File::Temp->newdir('mpsup-XXXXXX', TMPDIR => 1);
my $port = free_port();
write_file("$dir/index.html", 'x' x 1024);
my $pid = fork // die "fork: $!";
exec build_dir() . '/tests/bench_server', $port, $dir, 1, "$dir/log" or die if !$pid;
my @clients;
my $first = wait_until(10, 'the server answers', sub { eval { visit() } });
push @clients, $first;
my $before = resident();
push @clients, visit() while @clients < $count;
my $busy = resident();
sleep 3;
my $idle = resident();
my $alive = grep { ask($_) } @clients[-100 .. -1]; # others may have reached the end of their idle time by now
printf "idle connections: %d of them: %.1f MB, %.2f KB each; while they were made %.1f MB; %d of 100 still serve (at most 60 MB)\n",
    $count, $idle / 1024, ($idle - $before) / $count, $busy / 1024, $alive;
kill 'TERM', $pid;
waitpid $pid, 0;
exit($idle <= 60 * 1024 && $alive == 100 ? 0 : 1);

sub visit {
    socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
    connect $socket, pack_sockaddr_in($port, inet_aton('127.0.0.1')) or die "connect: $!";
    ask($socket) or die "no answer: $!";
    return $socket;
}

sub ask {
    my ($socket) = @_;
    syswrite $socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n" or return;
    my $reply = '';
    while ($reply !~ /\r\n\r\nx{1024}/) { sysread $socket, $reply, 4096, length $reply or return }
    return 1;
}

sub resident { return read_file("/proc/$pid/status") =~ /VmRSS:\s+(\d+)/ ? $1 : die 'gone' }
