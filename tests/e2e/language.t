# The topology language as a whole: variables, files that include others, several files, and what `mpsup plan` says of them.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use Mpsup::Test qw(new_site free_port request read_file source_root);
use Test::More;

my $site = new_site();
my ($one, $two) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$ENV{COLOUR}\n"]] }});
$site->write('base.yaml', <<"YAML");
x-notes: nobody reads this \${MPSUP_NOT_SET}
site: test
workers:
  app:
    kind: dynamic
    listen: {address: "127.0.0.1:$one", x-why: it is free}
    app: app.psgi
    pool: 1
    env: {COLOUR: "\${COLOUR:-blue}"}
YAML
my $main = $site->write('main.yaml', "include: base.yaml\nworkers: {app: {pool: 2}}\n");
my $more = $site->write('more.yaml', qq(workers: {more: {kind: static, root: ., listen: "127.0.0.1:$two"}}\n));

{
    local $ENV{COLOUR} = 'red';
    like $site->must('plan', $main), qr/listen\s+127\.0\.0\.1:$one.*start\s+app.*serve\s+app/s, 'the plan of a site that is down';
    $site->must('up', $main);
}
is request($one, '/')->{body}, "red\n", 'a variable of the caller';
$site->must('restart');
is request($one, '/')->{body}, "red\n", 'is kept by the site';
{
    local $ENV{COLOUR} = 'red';
    like $site->must('plan', $main), qr/nothing changes/, 'the plan of what runs';
    my $plan = $site->must('plan', $main, '-f', $more);
    like $plan, qr/listen\s+127\.0\.0\.1:$two.*start\s+more.*serve\s+more/s, 'the plan of one worker more';
    like $plan, qr/replace app \(the addresses of others\)/, 'which another is told of';
    $site->must('up', $main, '-f', $more);
}
is request($two, '/base.yaml')->{status}, 200, 'the worker of the second file';
$site->must('reload');
is request($one, '/')->{body}, "blue\n", 'reload asks the environment of its caller';
is request($two, '/base.yaml')->{status}, 200, 'and reads all files again';
my ($code, $out, $err) = $site->mpsup('validate', $site->write('bad.yaml', "include: more2.yaml\n"));
is $code, 78, 'a file that is not there: exit 78';
like $err, qr/bad\.yaml:1:10: error: .*more2\.yaml`: there is no such file/, 'at its place';
$site->write('a.yaml', "include: b.yaml\n");
$site->write('b.yaml', "include: a.yaml\n");
($code, $out, $err) = $site->mpsup('validate', $site->dir . '/a.yaml');
is $code, 78, 'an include cycle: exit 78';
like $err, qr/b\.yaml:1:10: error: an include cycle: \S+a\.yaml:1:10 → /, 'with its chain';
($code, $out, $err) = $site->mpsup('plan', $site->dir . '/a.yaml');
is $code, 78, 'plan too';
my $effective = $site->must('config', $main);
my $copy = $site->write('effective.yaml', $effective);
is $site->must('config', $copy), $effective, 'config prints a file that says the same';
like $site->must('plan', $copy, '-f', $more), qr/nothing changes/, 'also to what runs';
my $origins = $site->must('config', '--origin', $main);
like $origins, qr/size: 2  # \S+main\.yaml:2\n/, '--origin: of a value of this file';
like $origins, qr/COLOUR: blue  # \S+base\.yaml:9\n/, 'of one of an included file';
like $origins, qr/grace: 30s  # default\n/, 'and of a default';
$site->must('down');

# What is allowed and seldom meant.
my $public = free_port();
my $doubtful = $site->write('doubtful.yaml', <<"YAML");
site: test
workers:
  front:
    kind: accelerator
    listen: 127.0.0.1:$public
    routes: [{path: /static/, root: .}, {path: /, to: "127.0.0.1:$one", cache: {default_ttl: 1m}}]
  app:
    kind: dynamic
    listen: 0.0.0.0:$one
    app: app.psgi
    pool: {mode: ondemand, max: 1000}
    recycle: {rss: 1TiB}
    root: .
    serves: /files/
    env: {COLOUR: green}
YAML
($code, $out, $err) = $site->mpsup('validate', $doubtful);
is $code, 0, 'what is doubtful is valid';
my @codes = qw(cached-sessions heavy-files heavy-public missing-path pool-memory);
is_deeply [sort $err =~ /: warning: .* \[([a-z-]+)\]$/mg], \@codes, 'with a warning for each thing';
($code, $out, $err) = $site->mpsup('validate', '--strict', $doubtful);
is $code, 78, 'an error with --strict';
is_deeply [sort $err =~ /: error: .* \[([a-z-]+)\]$/mg], \@codes, 'each of them';
is $out, '', 'and not called valid';
my $json = decode_json($site->must('validate', '-o', 'json', $doubtful));
is_deeply [sort map { $_->{code} } @{ $json->{problems} }], \@codes, 'the codes in JSON';
ok $json->{valid} && !(grep { !$_->{line} || !$_->{column} || !$_->{suggestion} } @{ $json->{problems} }), 'with place and remedy';
($code, $out, $err) = $site->mpsup('validate', '--strict', '-o', 'json', $doubtful);
ok $code == 78 && !decode_json($out)->{valid}, 'strict there too';
($code, $out, $err) = $site->mpsup('up', $doubtful);
is $code, 0, 'up goes on';
like $err, qr/\[heavy-public\]/, 'and prints them';
is request($public, '/')->{body}, "green\n", 'the site serves';
$site->must('down');

# Several machines: each has a plan of its own.
my $several = $site->write('several.yaml', <<'YAML');
site: test
machines: {web1: {address: "${WEB1:-10.9.0.1}"}, app1: {address: 10.9.0.2}, app2: {address: 10.9.0.3}}
cluster: {unavailable: 1}
vip: 10.9.0.100/24
workers:
  front: {kind: accelerator, on: web1, listen: [8080, "10.9.0.100:80"], routes: [{path: /, to: app}]}
  app: {kind: dynamic, on: [app1, app2], gateway: 8090, app: elsewhere.psgi, pool: 1}
YAML
is $site->must('plan', $several), <<'PLAN', 'the plan of three machines, whose files nobody here has';
web1:
 1  listen  10.9.0.1:8080 (of front)
 2  listen  10.9.0.100:80 (of front)
 3  start   front
 4  serve   front
app1:
 1  listen  10.9.0.2:8090 (of app-gateway)
 2  start   app
 3  start   app-gateway
 4  serve   app
 5  serve   app-gateway
app2:
 1  listen  10.9.0.3:8090 (of app-gateway)
 2  start   app
 3  start   app-gateway
 4  serve   app
 5  serve   app-gateway
PLAN
my @steps = @{ decode_json($site->must('plan', '-o', 'json', $several))->{steps} };
is_deeply [map { "$_->{machine} $_->{step} $_->{object}" } @steps[3, 4]], ['web1 serve front', 'app1 listen 10.9.0.2:8090'], 'in JSON';
$effective = $site->must('config', $several);
$copy = $site->write('effective.yaml', $effective);
is $site->must('config', $copy), $effective, 'config prints a file that says the same';
$origins = $site->must('config', '--origin', $several);
like $origins, qr/address: 10\.9\.0\.1  # \S+several\.yaml:2\n/, 'of a machine';
like $origins, qr/unavailable: 1  # \S+several\.yaml:3\n/, 'of the cluster';
like $origins, qr/vip:\n  address: 10\.9\.0\.100\/24  # \S+several\.yaml:4\n  on: \[web1\]  # default\n/, 'of the address that moves';
like $origins, qr/on: \[app1, app2\]  # \S+several\.yaml:7\n    gateway:\n      listen: 8090  # \S+several\.yaml:7\n/, 'of a worker';
is $site->must('schema'), read_file(source_root() . '/topologies/schema.json'), 'mpsup schema prints the schema in the tree';

done_testing;
