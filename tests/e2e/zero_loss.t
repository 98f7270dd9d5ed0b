# Restarts, supervisors killed and upgrades under clients that check every reply: none is lost. tests/bench/zero_loss.pl is
# the same for longer.
use strict;
use warnings;
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port wait_until read_file);
use Test::More;

my $site = new_site();
my ($port, $files) = (free_port(), free_port());
$site->write('app.psgi', application());
my $topology = $site->topology(<<"YAML");
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 3}
YAML
$site->must('up', $topology);
my $finish = start_load(port => $port, seconds => 8, keep_alive => 8, one_shot => 4);
for my $round (1 .. 3) {
    $site->must('restart', 'app');
    my $pid = $site->supervisor_pid;
    kill 'KILL', $pid;
    wait_until(5, 'it is gone', sub { read_file("/proc/$pid/stat") !~ /\) [^ZX] / });
    $site->must('up', $topology);
    $site->must('upgrade');
}
my $sum = $finish->();
cmp_ok $sum->{requests}, '>', 1000, "$sum->{requests} requests";
is $sum->{failed}, 0, 'none is lost' or diag join "\n", @{ $sum->{failures} };
is scalar(keys %{ $sum->{generations} }), 4, 'four generations served, each started by another supervisor';
is $site->worker('app')->{restarts}{planned}, 3, 'all of them planned';
is $site->worker('app')->{restarts}{crash}, 0, 'none a crash';

done_testing;
