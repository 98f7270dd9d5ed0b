# Warm masters: requests before the first fork, and a child that has seen much becomes the master of the others.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until);
use Test::More;

my $site = new_site();
my %port = map { $_ => free_port() } qw(warm fork load again);
# Says who answers, who its parent is, what is cached (by whom), and what hooks have run.
$site->write('app.psgi', <<'APP');
use strict; use warnings;
use JSON::PP ();
my (%cache, @hooks);
my $loaded_by = $$;
Mpsup->post_fork(sub { push @hooks, "post_fork $$" });
Mpsup->pre_refork(sub { push @hooks, "pre_refork $$" });
sub {
    my $env  = shift;
    my $path = $env->{PATH_INFO};
    $cache{$path} //= $$;
    die "no luck\n" if $path eq '/die';
    return [404, [], []] if $path eq '/nosuch';
    if ($path eq '/hold') { select undef, undef, undef, 0.01 until -e "$ENV{RELEASE}" }
    [200, ['Content-Type' => 'application/json'], [JSON::PP::encode_json({pid => $$, parent => getppid(), loaded_by => $loaded_by,
        cache => \%cache, hooks => \@hooks, query => $env->{QUERY_STRING}})]];
}
APP
$site->write('load.psgi', application());
my $release = $site->dir . '/release';
my $common  = qq{kind: dynamic, health: {path: /, every: 60s}, env: {RELEASE: "$release"}};
my $up = sub {
    $site->must('up', $site->topology(<<"YAML"));
  warm: {$common, app: app.psgi, listen: "127.0.0.1:$port{warm}", pool: 2, warmup: ['/a?x=1', /b, /die, /nosuch]}
  fork: {$common, app: app.psgi, listen: "127.0.0.1:$port{fork}", pool: 2, refork: {after: 30}}
  load: {$common, app: load.psgi, listen: "127.0.0.1:$port{load}", pool: 3, refork: {after: 100}, recycle: {requests: 150}}
  again: {$common, app: app.psgi, listen: "127.0.0.1:$port{again}", pool: 1}
YAML
};
$up->();

sub ask { my ($name, $path) = @_; return decode_json(request($port{$name}, $path // '/')->{body}) }
sub master { my ($name) = @_; return ($site->pids($name, 'master'))[0] }
sub promoted { my ($name) = @_; return grep { $_->{worker} eq $name && $_->{event} eq 'promoted' } $site->events }
sub alive { return grep { kill 0, $_ } @_ }

subtest 'warm-up' => sub {
    my $master = master('warm');
    my $seen   = ask('warm');
    is $seen->{cache}{$_}, $master, "$_ was asked for in the master" for '/a', '/b';
    is $seen->{parent}, $master, 'who answers now is a child of it';
    like $site->log_of('warm'), qr{warm-up /die: no luck}, 'one that dies is complained of';
    like $site->log_of('warm'), qr{warm-up /nosuch: answered 404}, 'and one that is not there';
    is $site->worker('warm')->{state}, 'ready', 'neither keeps it from serving';
};

subtest 'after so many requests' => sub {
    my ($first, @children) = (master('fork'), $site->pids('fork', 'child'));
    my $n = 0;
    wait_until(15, 'a child is master', sub { request($port{fork}, '/' . ++$n % 7); master('fork') != $first });
    my $heir = master('fork');
    ok scalar(grep { $_ == $heir } @children), 'one of the children it was';
    is scalar(promoted('fork')), 1, 'the promotion is an event';
    wait_until(15, 'the old master and its other children leave', sub { !alive($first, grep { $_ != $heir } @children) });
    wait_until(10, 'a whole pool', sub { $site->worker('fork')->{ready} == 2 && 2 == $site->pids('fork', 'child') });
    my $seen = ask('fork');
    is $seen->{parent}, $heir, 'who answers now is a child of the heir';
    is $seen->{loaded_by}, $first, 'with the application that the first master had loaded';
    is $seen->{cache}{'/1'}, $heir, 'and what the heir had cached';
    is_deeply $seen->{hooks}, ["post_fork $heir", "pre_refork $heir", "post_fork $seen->{pid}"], 'hooks: of the heir as a child, as a master, and of its child';
    my $worker = $site->worker('fork');
    is $worker->{generation}, 1, 'the generation is the same';
    is $worker->{restarts}{crash}, 0, 'nothing of it is a crash';
    is $worker->{state}, 'ready', 'and the worker is well';
    request($port{fork}, '/') for 1 .. 100;
    is master('fork'), $heir, 'once a generation';
};

subtest 'what follows a refork' => sub {
    my $heir = master('fork');
    my ($child) = $site->pids('fork', 'child');
    select undef, undef, undef, 1.1; # a child that was ready for a second is replaced at once
    kill 'KILL', $child;
    wait_until(5, 'another child', sub { my @now = $site->pids('fork', 'child'); @now == 2 && !grep { $_ == $child } @now });
    is ask('fork')->{parent}, $heir, 'the new master replaces its dead';
    $site->must('scale', 'fork=3');
    is scalar(() = $site->pids('fork', 'child')), 3, 'can be scaled';
    $site->must('restart', 'fork');
    is $site->worker('fork')->{generation}, 2, 'can be restarted';
    wait_until(10, 'it sleeps', sub { grep { $_->{pid} == $heir && $_->{phase} eq 'sleeping' } @{ $site->worker('fork')->{processes} } });
    my $second = master('fork');
    wait_until(15, 'the next generation has its own', sub { request($port{fork}, '/') for 1 .. 10; master('fork') != $second });
};

subtest 'under load, with children that are recycled' => sub {
    my $finish = start_load(port => $port{load}, seconds => 5, keep_alive => 6, one_shot => 2, pause => 0.003);
    my $first  = master('load');
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    wait_until(10, 'it is done', sub { my $now = master('load'); $now && $now != $first && !alive($first) && $site->worker('load')->{state} eq 'ready' });
    is scalar(promoted('load')), 1, 'with one promotion';
    is $site->worker('load')->{restarts}{crash}, 0, 'and no crash';
};

# A child that was born when the pool was complete already takes over, too.
subtest 'a master that is killed when all its children are successors' => sub {
    my ($first) = $site->pids('again', 'child');
    select undef, undef, undef, 1.1;
    kill 'KILL', $first;
    my ($second) = @{ wait_until(5, 'its successor', sub { my @now = grep { $_ != $first } $site->pids('again', 'child'); @now && $site->worker('again')->{ready} ? \@now : undef }) };
    my $master = master('again');
    kill 'KILL', $master;
    wait_until(10, 'the successor is master', sub { (master('again') // 0) == $second });
    wait_until(10, 'and has a child', sub { $site->worker('again')->{state} eq 'ready' });
    is ask('again')->{parent}, $second, 'who answers is a child of it';
    is $site->worker('again')->{generation}, 1, 'of the same generation';
};

subtest 'the heir dies' => sub {
    $site->must('restart', 'again');
    my $master = master('again');
    $site->must('scale', 'again=2');
    my @children = $site->pids('again', 'child');
    kill 'KILL', $master;
    my ($heir) = @{ wait_until(10, 'an heir', sub { my $now = master('again'); $now && $now != $master ? [$now] : undef }) };
    kill 'KILL', $heir;
    wait_until(20, 'another master', sub { my $now = master('again'); $now && $now != $heir && $site->worker('again')->{state} eq 'ready' });
    is request($port{again}, '/')->{status}, 200, 'it serves';
};

subtest 'a child that is busy becomes master when it is done' => sub {
    $site->must('restart', 'again');
    $site->must('scale', 'again=1');
    wait_until(8, 'one child', sub { 1 == $site->pids('again', 'child') });
    my $master = master('again');
    my ($child) = $site->pids('again', 'child');
    my $socket = connect_to($port{again});
    syswrite $socket, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    wait_until(5, 'it is busy', sub { grep { $_->{pid} == $child && $_->{state} eq 'busy' } @{ $site->worker('again')->{processes} } });
    kill 'KILL', $master;
    wait_until(5, 'its end was seen', sub { grep { $_->{pid} == $master && $_->{event} eq 'exited' } $site->events });
    Mpsup::Test::write_file($release, '');
    is Mpsup::Test::read_reply($socket)->{status}, 200, 'its client has its answer';
    wait_until(20, 'there is a pool again', sub { my $worker = $site->worker('again'); $worker->{state} eq 'ready' && !alive($master) && master('again') });
    is request($port{again}, '/')->{status}, 200, 'and it serves';
};

done_testing;
