#!/usr/bin/perl
# How long a killed child is missed: a pool of one, an application of more than 50 MB, 50 times kill(2) to the first reply
# of the new process. Target: median at most 5 ms, 50 crashes counted.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Test qw(new_site free_port request);
use Time::HiRes qw(time sleep);

my $times = shift // 50;
my $site  = new_site(name => 'bench');
my $port  = free_port();
$site->write('app.psgi', <<'APP');
our %data = map { ("key$_" => {id => $_, name => "name $_", price => $_ * 1.5}) } 1 .. 120_000;
sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }
APP
$site->must('up', $site->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 1}\n}));
my ($memory) = map { $_->{private_bytes} + $_->{shared_bytes} } grep { $_->{role} eq 'master' } @{ $site->worker('app')->{processes} };
my $pid = request($port, '/')->{body} + 0;
my @times;
for (1 .. $times) {
    sleep 1.1; # a child that was ready for a second is replaced at once
    my $start = time;
    kill 'KILL', $pid;
    my $new = $pid;
    while ($new == $pid) {
        my $reply = eval { request($port, '/') } or next; # the reply of the killed one
        $new = $reply->{body} + 0;
    }
    push @times, 1000 * (time - $start);
    $pid = $new;
}
@times = sort { $a <=> $b } @times;
my $median  = $times[$#times / 2];
my $crashes = $site->worker('app')->{restarts}{crash};
printf "replace: %.0f MB application, %d kills: median %.2f ms, 90%% %.2f ms, longest %.2f ms; %d crashes counted\n",
    $memory / 1048576, $times, $median, $times[$#times * 0.9], $times[-1], $crashes;
exit($median <= 5 && $crashes == $times && $memory >= 50 * 1048576 ? 0 : 1);
