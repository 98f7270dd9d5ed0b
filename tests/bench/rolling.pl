#!/usr/bin/perl
# Ten restarts in 60 s under 32 keep-alive and 8 one-shot clients that check every reply, a pool of four. Target: nothing
# failed, all eleven generations seen, every client a reply a second, none waits over two.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib";
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port);
use Time::HiRes qw(time sleep);

my ($restarts, $seconds) = (shift // 10, shift // 60);
my $site = new_site(name => 'bench');
my $port = free_port();
$site->write('app.psgi', application());
$site->must('up', $site->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 4}\n}));
my $finish = start_load(port => $port, seconds => $seconds, keep_alive => 32, one_shot => 8);
my $start = time;
my @took;
for my $n (1 .. $restarts) {
    my $due = $start + ($n - 0.5) * $seconds / $restarts;
    sleep $due - time if $due > time;
    my $before = time;
    $site->must('restart', 'app');
    push @took, time - $before;
}
my $sum = $finish->();
my $generations = keys %{ $sum->{generations} };
printf "rolling: %d restarts (%.1f s each) in %d s: %d requests, %d failed; longest wait %.2f s; %d times over a second "
    . "between two replies; %d generations seen\n", $restarts, eval { my $t = 0; $t += $_ for @took; $t / @took }, $seconds,
    $sum->{requests}, $sum->{failed}, $sum->{longest}, $sum->{silent}, $generations;
print "  $_\n" for @{ $sum->{failures} };
exit($sum->{failed} == 0 && $sum->{longest} <= 2 && !$sum->{silent} && $generations == $restarts + 1 ? 0 : 1);
