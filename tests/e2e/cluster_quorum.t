# An etcd of three members: one that is gone is nobody's concern; with two gone there is no quorum, and all serves on without it.
use strict;
use warnings;
use Mpsup::Cluster;
use Mpsup::Load qw(application start_load);
use Test::More;

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1)], members => 3);
$cluster->files->write('app.psgi', application());
my $number = 0;

sub up {
    ++$number;
    my $file = $cluster->topology(<<"YAML", name => "site-$number.yaml");
  front: {kind: accelerator, on: web1, listen: 8080, routes: [{path: /, to: app, cache: off}]}
  app: {kind: dynamic, on: app1, app: app.psgi, gateway: 8081, pool: 2, env: {NUMBER: "$number"}}
YAML
    return $cluster->on('web1')->mpsup('up', $file, '--timeout', '60s');
}

$cluster->supervise;
is +(up())[0], 0, 'it is up';
my $finish = start_load(address => '10.9.0.1', port => 8080, keep_alive => 2, one_shot => 2, pause => 0.01);

# Whoever asked that member goes to another; which of them leads may take etcd a moment.
$cluster->etcd->crash(1);
$cluster->wait_for_state($_, 'connected') for $cluster->names;
my ($code, $out, $err) = up();
is $code, 0, 'with one member less changes are made' or diag $out, $err;
ok $cluster->wait_converged(20), 'on all machines';

$cluster->etcd->crash(2);
$cluster->wait_for_state($_, 'alone', 40) for $cluster->names;
($code, $out, $err) = up();
isnt $code, 0, 'without a quorum none begins';
like "$out$err", qr/etcd|store/, 'and it is said why' or diag $out, $err;
is +($cluster->on('web1')->mpsup('status'))[0], 5, 'status does not end as if all were well';
note $cluster->seen_by('web1')->{why};
like $cluster->seen_by('web1')->{why}, qr{http://10\.9\.0\.254:\d+.*quorum}, 'and says where, and what is wrong';

$cluster->etcd->start;
$cluster->wait_for_state($_, 'connected') for $cluster->names;
is +(up())[0], 0, 'when there is one again they are made';
ok $cluster->wait_converged(20), 'on all machines';
my $sum = $finish->();
is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };

done_testing;
