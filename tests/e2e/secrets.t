# Variables from files: `env_file`, read when a topology is loaded, and secrets, read when a process is started and kept nowhere.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use Mpsup::Test qw(new_site free_port request read_file wait_until);
use Test::More;

my $site = new_site();
my ($one, $two) = (free_port(), free_port());
my $secret = $site->dir . '/db';

sub put_secret {
    my ($text, $mode) = @_;
    $site->write('db', $text);
    chmod $mode // 0600, $secret or die "chmod: $!";
}

put_secret("tiger\n");
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], [join ' ', map { $_ // '' } @ENV{qw(A B C DB)}]] }});
$site->write('one.env', "# of both\nA=one\nexport B=\"one \${COLOUR:-blue}\"\n");
$site->write('two.env', "B='two \${COLOUR}'\nC=two\n");
my $main = $site->topology(<<"YAML");
  app:
    kind: dynamic
    listen: 127.0.0.1:$one
    app: app.psgi
    pool: 1
    env_file: [one.env, two.env]
    env: {C: own, DB: {file: db}}
    health: {path: /}
  docs:
    kind: static
    listen: 127.0.0.1:$two
    root: .
    env: {DB: {file: db}}
    restart: {backoff: 10ms, max: 100ms, burst: 1000}
    health: {readiness: {exec: [sh, -c, 'test "\$\$DB" = "\$\$(cat $secret)"']}}
YAML

$site->must('up', $main);
is request($one, '/')->{body}, 'one two ${COLOUR} own tiger', 'later files win, env wins most; the secret without its newline';

sub everything_kept {
    my $state = $site->{state} . '/test';
    return join '', map { read_file($_) } glob("$state/state.db* $state/log/*");
}
like everything_kept(), qr/\Q$secret\E/, 'the database has the path of the secret';
unlike everything_kept(), qr/tiger/, 'and not what is in it, nor has a log';
my $said = join '', map { $site->must_ask($_) } qw(status workers history);
$said .= $site->must('config', $main) . $site->must('config', '--origin', $main) . $site->must('plan', $main);
unlike $said, qr/tiger/, 'no command says it';
my $origins = $site->must('config', '--origin', $main);
like $origins, qr/A: one  # \S*one\.env:2\n/, '--origin: of a variable the file and line of the env_file';
like $origins, qr/file: \Q$secret\E  # \S*site\.yaml:9\n/, 'of a secret where its path is written';

put_secret("lion\n");
like $site->must('plan', $main), qr/nothing changes/, 'another content is no change of the topology';
$site->must('restart', 'app');
like request($one, '/')->{body}, qr/ lion\z/, 'the next restart takes it';

# What cannot be read keeps a generation from starting, and the old one serves on.
chmod 0644, $secret;
my ($code, $out, $err) = $site->mpsup('restart', 'app');
is $code, 6, 'restart with a secret that others may reach: exit 6';
like $out . $err, qr/the secret DB: `\Q$secret\E`: others may reach it; chmod o-rwx it/, 'the reason';
like join("\n", map { $_->{reason} // $_->{text} // '' } $site->events), qr/the secret DB: .*others may reach it/, 'is an event';
like request($one, '/')->{body}, qr/ lion\z/, 'the old generation serves on';
unlink $secret;
($code, $out, $err) = $site->mpsup('restart', 'app');
is $code, 6, 'without the file too';
like $out . $err, qr/the secret DB: `\Q$secret\E`: there is no such file/, 'with its reason';
my ($light) = $site->pids('docs', 'light');
kill 'KILL', $light;
wait_until(10, 'the reason in the status', sub { $site->must_ask('status') =~ /the secret DB: .*there is no such file/ });
put_secret("lion\n", 0640);
wait_until(10, 'another light process', sub { my ($pid) = $site->pids('docs', 'light'); $pid && $pid != $light });
wait_until(10, 'it serves', sub { (eval { request($two, '/one.env') } // {status => 0})->{status} == 200 });
pass 'a process that died starts again when its secret can be read, its group may have it';
$site->must('restart');
is request($one, '/')->{status}, 200, 'and all goes on';

# A probe whose environment cannot be made says nothing of the worker.
my $probes = $site->dir . '/probes';
sub probes { return -s $probes // 0 }
sub supervisor_log { return read_file("$site->{state}/test/log/supervisor.log") }
my $probed = $site->topology(<<"YAML", 'probed.yaml');
  docs:
    kind: static
    listen: 127.0.0.1:$two
    root: .
    env: {DB: {file: db}}
    health: {every: 100ms, readiness: {exec: [/bin/true]}, liveness: {exec: [/bin/sh, -c, 'echo x >> $probes'], every: 100ms, fails: 1}}
YAML
$site->must('up', $probed);
wait_until(10, 'probes', sub { probes() > 0 });
($light) = $site->pids('docs', 'light');
chmod 0604, $secret;
wait_until(10, 'the log', sub { supervisor_log() =~ /docs is not probed: the secret DB: .*others may reach it/ });
my $before = probes();
select undef, undef, undef, 2; # of which nothing may come
is probes(), $before, 'no probe without its environment';
is_deeply [$site->pids('docs', 'light')], [$light], 'the worker is not replaced for it';
is $site->worker('docs')->{health}{state}, 'healthy', 'and healthy';
is scalar(() = supervisor_log() =~ /docs is not probed/g), 1, 'said once';
chmod 0600, $secret;
wait_until(10, 'probes again', sub { probes() > $before });
$site->must('up', $main);

# What validate and up say, with places, and nothing is changed.
sub refused {
    my ($keys, $what, @expected) = @_;
    my $file = $site->topology("  app:\n    kind: dynamic\n    listen: 127.0.0.1:$one\n    app: app.psgi\n    $keys\n", 'bad.yaml');
    for my $verb (qw(validate up plan config)) {
        my ($code, $out, $err) = $site->mpsup($verb, $file);
        is $code, 78, "$what: $verb exits with 78";
        like $err, $_, "$what: $verb says it" for @expected;
    }
}
chmod 0604, $secret;
refused('env: {DB: {file: db}}', 'a secret for everybody', qr/bad\.yaml:7:22: error: `\S+db`: others may reach it\n.*\n.*\n    chmod o-rwx it/);
chmod 0600, $secret;
refused('env: {DB: {file: none}}', 'a missing secret', qr/bad\.yaml:7:22: error: `\S+none`: there is no such file/);
refused('env: {DB: {file: state}}', 'a folder', qr/bad\.yaml:7:22: error: `\S+state`: is a folder/);
$site->write('nul', "a\0b");
chmod 0600, $site->dir . '/nul';
refused('env: {DB: {file: nul}}', 'a NUL byte', qr/bad\.yaml:7:22: error: `\S+nul`: has a NUL byte/);
refused('env_file: none.env', 'a missing env_file', qr/bad\.yaml:7:15: error: `\S+none\.env`: there is no such file/);
$site->write('bad.env', "A=1\nB = 'x' y\n C\nD=\${NOT_SET_AT_ALL}\nA=2\n");
refused(
    'env_file: [one.env, bad.env]', 'malformed lines',
    qr/bad\.env:2:9: error: something behind the closing quote/, qr/bad\.env:3:2: error: `C` has no `=` behind it/,
    qr/bad\.env:4:3: error: the variable `NOT_SET_AT_ALL` is not set/, qr/bad\.env:5:1: error: `A` stands twice, first at line 1/,
);
$site->write('a.yaml', "include: b.yaml\nworkers: {app: {env_file: bad.env}}\n");
$site->write('b.yaml', "include: a.yaml\n");
($code, $out, $err) = $site->mpsup('validate', $site->dir . '/a.yaml');
is $code, 78, 'an include cycle beside an env_file: exit 78';
like $err, qr/\A\S+b\.yaml:1:10: error: an include cycle/, 'and the cycle is what is said';
like request($one, '/')->{body}, qr/ lion\z/, 'nothing has changed';

# Another file is a change, whatever is in it.
$site->write('db2', "lion\n");
chmod 0600, $site->dir . '/db2';
$site->write('site.yaml', read_file($main) =~ s/own, DB: \{file: db\}/own, DB: {file: db2}/r);
my $plan = $site->must('plan', $main);
like $plan, qr/replace app \(env\)/, 'the plan of another reference';
unlike $plan, qr/replace docs/, 'of one worker';
$site->must('up', $main);
unlike everything_kept(), qr/lion|tiger/, 'nothing of it was kept all the way';
$site->must('down');

done_testing;
