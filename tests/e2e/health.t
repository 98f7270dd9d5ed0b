# What a failing probe does, and does not; what the command line shows.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;

$ENV{COLUMNS} = 80;
my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
my $ill = $site->dir . '/ill';
$site->write('app.psgi', <<'APP' =~ s/ILL/$ill/r);
print STDERR "loaded\n";
sub { -e 'ILL' ? [500, ['Content-Type' => 'text/plain'], ["the database is gone\n"]] : [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 200ms}}
YAML
$site->must('up', $topology);

subtest 'a failing probe' => sub {
    my @before = $site->pids('app', 'child');
    $site->write('ill', '');
    wait_until(5, 'it shows', sub { $site->worker('app')->{health}{state} eq 'unhealthy' });
    my $worker = $site->worker('app');
    is $worker->{state}, 'degraded', 'the worker is degraded';
    like $worker->{health}{why}, qr/answered 500: the database is gone/, 'and it is said why';
    my ($code, $out) = $site->mpsup('status');
    is $code, 5, 'status ends with 5';
    like $out, qr/the database is gone/, 'and shows it';
    select undef, undef, undef, 1; # several more probes fail
    unlink $ill;
    wait_until(5, 'it is healthy again', sub { $site->worker('app')->{health}{state} eq 'healthy' });
    is_deeply [$site->pids('app', 'child')], \@before, 'nobody was killed';
    my @changes = grep { $_->{event} eq 'health_changed' } $site->events;
    is scalar(@changes), 2, 'one event each way';
    is $site->worker('app')->{restarts}{crash}, 0, 'and nothing was counted';
};

subtest 'status -o json' => sub {
    my $status = $site->status;
    is $status->{version}, 1, 'has a version';
    ok exists $status->{$_}, "has $_" for qw(site layout topology supervisor workers);
    ok exists $status->{topology}{$_}, "has topology.$_" for qw(path digest);
    ok exists $status->{supervisor}{$_}, "has supervisor.$_" for qw(state pid started_at);
    my ($app) = grep { $_->{name} eq 'app' } @{ $status->{workers} };
    ok exists $app->{$_}, "has workers.$_"
        for qw(name kind machine state binary listen generation ready wanted restarts health processes);
    is $app->{processes}[0]{role}, 'master', 'the pool master comes first';
    ok exists $app->{processes}[1]{$_}, "has processes.$_"
        for qw(pid state generation started_at requests private_bytes shared_bytes request);
    cmp_ok $app->{processes}[1]{private_bytes}, '>', 0, 'memory was measured';
};

subtest 'tables' => sub {
    for my $verb (qw(status workers)) {
        my ($code, $out) = $site->mpsup($verb);
        is $code, 0, "$verb ends with 0";
        is_deeply [grep { length > 80 } split /\n/, $out], [], "$verb fits 80 columns";
        unlike $out, qr/\e\[/, "$verb has no colours where nobody sees them";
    }
};

subtest 'logs' => sub {
    like $site->must('logs', 'app'), qr/loaded/, "what the application wrote";
    request($files, '/a.txt');
    wait_until(5, 'the access log', sub { $site->must('logs', 'docs', '--access') =~ m{127\.0\.0\.1 - - \[.*\] "GET /a\.txt HTTP/1\.1" 200 2 } });
    unlike $site->must('logs', 'app', '--access'), qr/mpsup-probe/, "the supervisor's own probes are not in it";
    my $pid = open(my $follow, '-|', Mpsup::Test::build_dir() . '/mpsup', '--state-dir', $site->{state}, 'logs', '-f', '-n', '0', 'docs', '--access') // die;
    select undef, undef, undef, 0.2; # it has to be watching
    request($files, '/followed');
    my $line = eval { local $SIG{ALRM} = sub { die }; alarm 5; my $l = <$follow>; alarm 0; $l };
    like $line, qr{GET /followed}, 'and it follows';
    kill 'TERM', $pid;
    close $follow;
};

subtest 'another build of mpsup' => sub {
    my $other = Mpsup::Test::build_dir();
    # The same program with another build id, as an upgrade on disk would leave it.
    my $copy = $site->dir . '/mpsup';
    system 'cp', "$other/mpsup", $copy;
    my ($id) = `readelf -n $copy 2>/dev/null` =~ /Build ID: ([0-9a-f]{40})/ or plan skip_all => 'readelf is not installed';
    my $bytes = read_file($copy);
    my $at = index $bytes, pack 'H*', $id;
    substr($bytes, $at, 1) ^= "\x01";
    $site->write('mpsup', $bytes);
    chmod 0755, $copy;
    my $out = `$copy --state-dir $site->{state} up $topology 2>&1`;
    is $?, 0, 'goes on';
    like $out, qr/running supervisor is older than this program, or another build/, 'and says so';
};

subtest 'tables in a pipe' => sub {
    delete local $ENV{COLUMNS};
    my @addresses = map { '127.0.0.1:' . free_port() } 1 .. 8;
    my $many = new_site(name => 'many');
    $many->must('up', $many->topology(sprintf qq{  docs: {kind: static, root: ., listen: [%s]}\n}, join ', ', map { qq{"$_"} } @addresses));
    my ($code, $out) = $many->mpsup('status');
    like $out, qr/\Q$addresses[-1]\E$/m, 'are not cut: there is no page';
    local $ENV{COLUMNS} = 100;
    ($code, $out) = $many->mpsup('status');
    like $out, qr/^docs.{95}\+$/m, 'unless COLUMNS says that there is';
    kill 'KILL', $many->supervisor_pid;
    wait_until(5, 'it is gone', sub { ($many->mpsup('status', '-q'))[0] == 4 });
    my $docs = $many->worker('docs');
    is $docs->{health}{state}, 'unknown', 'without a supervisor nobody knows how a worker is';
    ok $docs->{health}{checked_at}, 'only when it was asked last';
    $many->must('down');
    is $many->worker('docs')->{health}{state}, 'unknown', 'nor of one that is down';
};

done_testing;
