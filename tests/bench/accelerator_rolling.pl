#!/usr/bin/perl
# Rolling restarts of an accelerator under a load of checking clients. Targets, at 100 restarts: no request failed, and in the first second
# after each restart the part of hits is within 5 points of what it was before.
# usage: accelerator_rolling.pl [RESTARTS [SECONDS]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../e2e/lib", "$Bin/lib";
use Mpsup::HitRatio qw(start_hits ratio);
use Mpsup::Load     qw(application start_load);
use Mpsup::Test     qw(new_site free_port);
use Time::HiRes     qw(time sleep);

my ($restarts, $seconds) = (shift // 100, shift // 250);
my $site = new_site(name => 'bench');
my $port = free_port();
my $inner = application();
$site->write('app.psgi', <<"APP");
my \$checked = do { $inner };
sub {
    my \$env = shift;
    return \$checked->(\$env) if \$env->{PATH_INFO} !~ m{^/kept/};
    return [200, ['Content-Type' => 'text/plain', 'Cache-Control' => 'max-age=3600'], ["kept \$env->{PATH_INFO}\\n"]];
}
APP
$site->must('up', $site->topology(<<"YAML"));
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    cache: {size: 64MiB}
    routes: [{path: /, to: app, cache: on}]
  app: {kind: dynamic, app: app.psgi, pool: 4}
YAML
my $finish = start_load(port => $port, seconds => $seconds, keep_alive => 8, one_shot => 4);
my $hits   = start_hits(port => $port, seconds => $seconds, pages => 200);
my $start  = time + 2; # by then all pages are kept
my (@restarted, @took);
for my $n (1 .. $restarts) {
    my $due = $start + ($n - 0.5) * ($seconds - 3) / $restarts;
    sleep $due - time if $due > time;
    my $before = time;
    $site->must('restart', 'front');
    push @took, time - $before;
    push @restarted, [$before, time];
}
my @seen = $hits->();
my $sum  = $finish->();
my ($worst, $sum_of) = (0, 0);
for my $moment (@restarted) {
    my $before = ratio($moment->[0] - 1, $moment->[0], @seen) // next;
    my $after  = ratio($moment->[1], $moment->[1] + 1, @seen) // next; # the load was over by then
    my $lost   = 100 * ($before - $after);
    $worst = $lost if $lost > $worst;
}
my @failed_hits = grep { $_->[2] ne '200' } @seen;
my $failed_hits = @failed_hits;
$sum_of += $_ for @took;
printf "accelerator_rolling: %d restarts (%.1f s each): %d requests, %d failed; %d of kept pages, %d failed, %.1f %% hits; "
    . "at worst %.1f points fewer in the second after a restart; longest wait %.2f s\n", $restarts, $sum_of / @took, $sum->{requests}, $sum->{failed},
    scalar @seen, $failed_hits, 100 * (ratio($start, $start + $seconds, @seen) // 0), $worst, $sum->{longest};
print "  $_\n" for @{ $sum->{failures} };
for my $failed (@failed_hits) {
    my @before = grep { $_->[0] <= $failed->[0] } @restarted;
    printf "  kept page: %s, %.3f s after restart %d began (it took %.3f s)\n", $failed->[2],
        @before ? ($failed->[0] - $before[-1][0], scalar @before, $before[-1][1] - $before[-1][0]) : ($failed->[0] - $start, 0, 0);
}
exit($sum->{failed} == 0 && $failed_hits == 0 && $worst <= 5 ? 0 : 1);
