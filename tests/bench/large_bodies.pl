#!/usr/bin/perl
# An upload and a download of 10 GiB through an accelerator: its resident memory must stay flat. The upload lies on the disk meanwhile, so
# that much must be free in TMPDIR. Target: at most 32 MiB more than before, either way.
# usage: large_bodies.pl [GIB]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use IO::Socket::INET;
use Mpsup::Bench qw(end_spawned);
use Mpsup::Test  qw(new_site free_port connect_to request wait_until read_file);
use POSIX        ();
use Time::HiRes  qw(time);

my $gib  = shift // 10;
my $size = $gib << 30;
my $site = new_site(name => 'bench');
my ($port, $origin) = (free_port(), free_port());
my $pid = fork // die "fork: $!";
serve() if !$pid;
END { if ($pid) { my $code = $?; kill 'KILL', $pid; waitpid $pid, 0; $? = $code } }
$site->must('up', $site->topology(<<"YAML"));
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    buffer: {request: 1MiB, memory: 16MiB, disk: @{[$gib + 2]}GiB}
    limits: {body: @{[$gib + 1]}GiB}
    routes: [{path: /, to: "127.0.0.1:$origin", timeouts: {response: 10m}}]
YAML
wait_until(10, 'the backend answers', sub { my $reply = eval { request($port, '/small') }; $reply && $reply->{status} == 200 });
my ($front) = $site->pids('front', 'light');
my $block = 'x' x (1 << 20);
my $missed = 0;

sub resident { my ($what) = @_; return (read_file("/proc/$front/status") =~ /^\Q$what\E:\s+(\d+) kB/m)[0] / 1024 }

sub measure {
    my ($name, $act) = @_;
    open my $reset, '>', "/proc/$front/clear_refs" or die; # VmHWM begins anew
    print {$reset} 5;
    close $reset;
    my ($before, $start) = (resident('VmRSS'), time);
    $act->();
    my $grown = resident('VmHWM') - $before;
    my $failed = $grown > 32;
    ++$missed if $failed;
    printf "large_bodies: %s of %d GiB in %.0f s: resident memory %.1f MiB before, at most %.1f MiB more%s\n", $name, $gib, time - $start, $before, $grown,
        $failed ? ' MISSED (target: 32)' : '';
    return;
}

measure(upload => sub {
    my $socket = connect_to($port);
    syswrite $socket, "POST /count HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: $size\r\n\r\n";
    for (1 .. $size >> 20) {
        my $at = 0;
        while ($at < length $block) { $at += syswrite($socket, $block, length($block) - $at, $at) // die "write: $!" }
    }
    local $/;
    my $reply = <$socket>;
    $reply =~ /\r\n\r\n$size\n\z/ or die "the backend did not get all of it: $reply\n";
});
measure(download => sub {
    my $socket = connect_to($port);
    syswrite $socket, "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my ($got, $text) = (0, '');
    sysread $socket, $text, 1 << 16;
    $text =~ s/\A.*?\r\n\r\n//s or die "no head: $text";
    $got = length $text;
    while (my $n = sysread $socket, $text, 1 << 20) { $got += $n }
    die "got $got of $size\n" if $got != $size;
});
end_spawned();
exit($missed ? 1 : 0);

# The backend: counts what it is sent, or sends.
sub serve {
    local $SIG{PIPE} = 'IGNORE';
    my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => $origin, ReuseAddr => 1) or die "listen: $!";
    my $piece = 'y' x (1 << 20);
    while (my $socket = $listener->accept) {
        my $text = '';
        while ($text !~ /\r\n\r\n/) { sysread $socket, $text, 65536, length $text or last }
        my ($head, $rest) = split /\r\n\r\n/, $text, 2;
        next if !defined $rest;
        if ($head =~ m{\AGET /large}) {
            syswrite $socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: $size\r\n\r\n";
            for (1 .. $size >> 20) {
                my $at = 0;
                while ($at < length $piece) { my $n = syswrite $socket, $piece, length($piece) - $at, $at or last; $at += $n }
            }
        }
        else {
            my ($length) = $head =~ /^content-length: (\d+)/mi;
            my $got = length $rest;
            while ($got < ($length // 0)) { my $n = sysread $socket, $rest, 1 << 20 or last; $got += $n }
            my $said = "$got\n";
            syswrite $socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: @{[length $said]}\r\n\r\n$said";
        }
        close $socket;
    }
    POSIX::_exit(0);
}
