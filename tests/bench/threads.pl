#!/usr/bin/perl
# CPU a request with two threads by that with one: files of 1 KiB over 64 connections, the two servers in turns.
# Target: at most 1.1.
# usage: threads.pl [ROUNDS [SECONDS]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use File::Temp ();
use Mpsup::Test qw(build_dir free_port request wait_until read_file write_file);

my ($rounds, $seconds) = @ARGV;
$rounds  //= 7;
$seconds //= 2;
my $dir = File::Temp->newdir('mpsup-XXXXXX', TMPDIR => 1);
write_file("$dir/1k", 'x' x 1024);
utime time - 60, time - 60, "$dir/1k";
my %server = map { $_ => start($_) } 1, 2;
my %cost;
for (1 .. $rounds) { push @{ $cost{$_} }, cost($server{$_}) for 1, 2 }
kill 'TERM', $_->{pid} for values %server;
my %best = map { $_ => (sort { $a <=> $b } @{ $cost{$_} })[@{ $cost{$_} } / 4] } 1, 2;
my $ratio = $best{2} / $best{1};
printf "threads: %.2f us a request with two, %.2f with one: %.2f (at most 1.10)\n", @best{2, 1}, $ratio;
exit($ratio <= 1.1 ? 0 : 1);

sub start {
    my ($threads) = @_;
    my $port = free_port();
    my $pid  = fork // die "fork: $!";
    exec build_dir() . '/tests/bench_server', $port, $dir, $threads, "$dir/log$threads" or die if !$pid;
    wait_until(10, 'the server answers', sub { eval { request($port, '/1k') } });
    return {pid => $pid, port => $port};
}

# Microseconds of CPU a request.
sub cost {
    my ($of)   = @_;
    my $before = cpu($of->{pid});
    my $out    = `timeout @{[$seconds + 20]} wrk -t1 -c64 -d${seconds}s http://127.0.0.1:$of->{port}/1k`;
    my $used   = cpu($of->{pid}) - $before;
    my ($count) = $out =~ /(\d+) requests in/ or die $out;
    die $out if $out =~ /Non-2xx|Socket errors/;
    return 1e6 * $used / $count;
}

sub cpu {
    my ($pid) = @_;
    my $sum = 0;
    for (glob "/proc/$pid/task/*/schedstat") { $sum += (split ' ', read_file($_))[0] }
    return $sum / 1e9;
}
