#!/usr/bin/perl
# slowhttptest in its four modes with 1,000 connections: a client at another address gets every answer meanwhile; with a number of seconds
# a mode (as a benchmark, on a machine that does nothing else) one in every second. And 1,000 clients that ask for 1 MiB of a page and
# hardly read: the pool's children are idle again while all of them still wait.
# usage: slow_clients.t [SECONDS_A_MODE]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use IO::Socket::INET;
use Mpsup::Test qw(new_site free_port wait_until connect_to exchange read_file);
use POSIX ();
use Socket qw(SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton AF_INET SOCK_STREAM);
use Test::More;
use Time::HiRes qw(time sleep);

my $judged  = @ARGV;
my $seconds = shift // 5;
my ($program) = grep { -x } map { "$_/slowhttptest" } split /:/, $ENV{PATH};
plan skip_all => 'slowhttptest is not installed' if !$program;
plan skip_all => 'descriptors are limited to ' . `ulimit -Hn` if `bash -c 'ulimit -Hn'` =~ /\A(\d+)/ && $1 < 4096;

my $site = new_site(name => 'slow');
my $port = free_port();
my $count = 1000;
$site->write('app.psgi', <<'APP');
my $page = 'x' x (1 << 20);
sub { [200, ['Content-Type' => 'text/plain'], [$_[0]{PATH_INFO} eq '/large' ? $page : "served\n"]] }
APP
mkdir $site->dir . '/root';
$site->write('root/file.txt', 'x' x 5_000_000);
$site->must('up', $site->topology(<<"YAML"));
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    buffer: {memory: 64MiB, disk: 4GiB}
    queue: {length: 2000}
    routes:
      - {path: /file.txt, root: root}
      - {path: /, to: app}
  app: {kind: dynamic, app: app.psgi, pool: 4}
YAML

for my $mode (['H', 'slow headers', '/'], ['B', 'slow body', '/'], ['R', 'many ranges', '/file.txt'], ['X', 'slow reading', '/file.txt']) {
    my ($letter, $name, $path) = @$mode;
    my $attack = attack($letter, $path);
    my $end    = time + $seconds + 1;
    my ($good, $most, @silent, @bad, %served) = (0, 0);
    my $began = time;
    while (time < $end) {
        my $reply = ask_from('127.0.0.2', '/');
        my $open = connections();
        $most = $open if $open > $most;
        if (($reply // '') =~ m{\AHTTP/1\.1 200 .*\r\n\r\nserved\n\z}s) { ++$good; $served{ int(time - $began) } = 1 }
        else                                                                      { push @bad, $reply }
        sleep 0.05;
    }
    @silent = grep { !$served{$_} } 0 .. $seconds;
    is_deeply(\@bad, [], "$name: somebody else gets every answer ($good)");
    is_deeply(\@silent, [], "$name: and one in every second") if $judged;
    kill 'TERM', $attack;
    waitpid $attack, 0;
    cmp_ok($most, '>=', $letter eq 'R' ? 0 : $count * 0.5, "$name: of $most connections at once");
}

my @readers;
for my $n (1 .. $count) {
    socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;
    connect $socket, pack_sockaddr_in($port, inet_aton('127.0.0.1')) or die "connect: $!";
    syswrite $socket, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    push @readers, $socket;
}
my $served = sub {
    my $sum = 0;
    $sum += $_->{requests} for grep { $_->{role} eq 'child' } @{ $site->worker('app')->{processes} };
    return $sum;
};
wait_until(60, 'all of it was asked of the pool', sub {
    my $idle = grep { $_->{role} eq 'child' && !$_->{request} } @{ $site->worker('app')->{processes} };
    return $idle == 4 && $served->() >= $count;
});
my $alive = grep { my $peek = ''; defined recv($_, $peek, 1, Socket::MSG_PEEK() | Socket::MSG_DONTWAIT()) && length $peek } @readers;
is($alive, $count, "all children are idle while $count clients have yet to read 1 MiB each");
like(ask_from('127.0.0.2', '/'), qr{\AHTTP/1\.1 200 }, 'and others are served');
my $whole = read_all($readers[0]);
is(length $whole, 1 << 20, 'who reads at last gets all of it');
done_testing;

sub attack {
    my ($letter, $path) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    open STDIN,  '<', '/dev/null' or POSIX::_exit(1);
    open STDOUT, '>', $site->dir . "/attack.$letter" or POSIX::_exit(1);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
    my @slow = $letter eq 'X' ? qw(-w 10 -y 20 -n 5 -z 32 -k 3) : qw(-i 2 -x 24);
    exec $program, "-$letter", '-c', $count, '-r', 1000, '-l', $seconds + 20, '-p', 3, @slow, '-u', "http://127.0.0.1:$port$path"
        or POSIX::_exit(1);
}

# Open ones of the front, of whoever.
sub connections {
    my $local = sprintf ':%04X', $port;
    return scalar grep { (split)[1] =~ /$local\z/ && (split)[3] eq '01' } split /\n/, read_file('/proc/net/tcp');
}

sub ask_from {
    my ($address, $path) = @_;
    my $socket = IO::Socket::INET->new(LocalAddr => $address, PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10) or return undef;
    syswrite $socket, "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my $text = '';
    local $SIG{ALRM} = sub { die "late\n" };
    alarm 20;
    eval { 1 while sysread $socket, $text, 65536, length $text; 1 };
    alarm 0;
    return $text;
}

sub read_all {
    my ($socket) = @_;
    my $text = '';
    my $end  = time + 30;
    while (time < $end && length($text =~ s/\A.*?\r\n\r\n//sr) < 1 << 20) { sysread $socket, $text, 1 << 20, length $text or last }
    return $text =~ s/\A.*?\r\n\r\n//sr;
}
