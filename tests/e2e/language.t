# The topology language as a whole: variables, files that include others, several files, and what `mpsup plan` says of them.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request);
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

done_testing;
