# An etcd to test with, and the proxy before it: they do what the tests of several machines need of them.
use strict;
use warnings;
use Mpsup::Machines;
use HTTP::Tiny  ();
use JSON::PP    qw(decode_json);
use Mpsup::Etcd ();
use Mpsup::Proxy;
use Mpsup::Test qw(new_site wait_until);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => $_ for grep { defined } Mpsup::Machines::reason(), Mpsup::Etcd::reason();

my $site    = new_site();
my $network = Mpsup::Machines->new('web1');
my $etcd    = Mpsup::Etcd->new(dir => $site->dir)->start;

sub has { my ($key) = @_; return $etcd->read('/e2e/')->{$key} }

sub cluster { return $etcd->ask('range', {key => 'YQ=='})->{header}{cluster_id} }

$etcd->write('/e2e/a', 'first');
is_deeply $etcd->read('/e2e/'), {a => 'first'}, 'what is written is there';
my $url = $etcd->urls;
is $network->fork_on('web1', sub { HTTP::Tiny->new(timeout => 5)->get("$url/health")->{success} ? 0 : 1 }), waitpid(-1, 0), 'a machine reaches it';
is $?, 0, '  and is answered';

my ($copy, $before) = ($etcd->backup, cluster());
$etcd->write('/e2e/a', 'second');
$etcd->stop;
is has_now(), undef, 'when it is stopped nobody answers';
$etcd->start;
is has('a'), 'second', 'then it knows what it knew';
$etcd->crash;
is $etcd->start->read('/e2e/')->{a}, 'second', 'after it was killed too';
is $etcd->restore($copy)->start->read('/e2e/')->{a}, 'first', 'and of an earlier day what it knew then';
is cluster(), $before, '  as the same cluster';
is $etcd->empty->start->read('/e2e/')->{a}, undef, 'when it is emptied, nothing';
isnt cluster(), $before, '  and is another';
$etcd->pause;
is has_now(), undef, 'it does not answer while it is paused';
$etcd->resume;

sub has_now { return HTTP::Tiny->new(timeout => 0.5)->get("$url/version")->{success} || undef }

subtest 'the proxy' => sub {
    my $proxy = Mpsup::Proxy->new(listen => '10.9.0.254:2300', to => '10.9.0.254:2379');
    my $http  = HTTP::Tiny->new(timeout => 1, max_size => 50_000_000);
    my $ask   = sub { return $http->get($proxy->url . '/version') };
    is decode_json($ask->()->{content})->{etcdcluster}, '3.4.0', 'lets through';
    my $began = time;
    $proxy->be('delay', 0.3);
    ok $ask->()->{success}, 'delays';
    cmp_ok time - $began, '>=', 0.3, '  by that';
    is $proxy->be('status') && $ask->()->{status}, 503, 'answers for it';
    is $proxy->be('wrong') && decode_json($ask->()->{content})->{kvs}, 'none', '  with what has the form';
    like $proxy->be('rubbish') && $ask->()->{content}, qr/Malformed|Unexpected/, '  with what has none';
    like $proxy->be('huge') && $ask->()->{content}, qr/exceed/, '  with what has no end';
    like $proxy->be('half') && $ask->()->{content}, qr/Unexpected end of stream/, 'with the first half';
    like $proxy->be('swallow') && $ask->()->{content}, qr/Timed out/i, 'swallows';
    like $proxy->be('cut') && $ask->()->{content}, qr/reset|Unexpected end|refused|closed/i, 'resets connections';
    ok $proxy->be('pass') && $ask->()->{success}, 'and lets through again';
};

subtest 'several members' => sub {
    $etcd->stop;
    mkdir $site->dir . '/three';
    $etcd = Mpsup::Etcd->new(dir => $site->dir . '/three', members => 3)->start;
    $etcd->write('/e2e/a', 'of three');
    $etcd->crash(2);
    ok wait_until(10, 'there is a leader', sub { (eval { has('a') } // '') eq 'of three' }), 'two of three answer';
    $etcd->crash(3);
    ok !eval { has('a') }, 'one does not';
    is $etcd->start->read('/e2e/')->{a}, 'of three', 'then all do';
};

done_testing;
