# What bad input gets: everything that is wrong at once, with its place, and nothing started or changed.
use strict;
use warnings;
use Fcntl       qw(S_IRUSR);
use IO::Socket::INET;
use Mpsup::Test qw(new_site free_port request wait_until);
use POSIX       qw(mkfifo);
use Test::More;
use Time::HiRes qw(time);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $good = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2}
YAML
$site->must('up', $good);
my @before = ($site->pids('docs', 'light'), $site->pids('app', 'master'), $site->pids('app', 'child'));

# A file that cannot be used: exit 78, a message that fits, in short time, and the running site as it was.
sub refuses {
    my ($what, $file, @patterns) = @_;
    subtest $what => sub {
        for my $verb ('validate', 'up') {
            my $start = time;
            my ($code, $out, $err) = $site->mpsup($verb, $file);
            is $code, 78, "$verb: exit 78";
            cmp_ok time - $start, '<', 2, "$verb: at once";
            like $err, $_, "$verb: says so" for @patterns;
        }
    };
}
sub refuses_text {
    my ($what, $text, @patterns) = @_;
    return refuses($what, $site->write('bad.yaml', $text), @patterns);
}

refuses('a missing file', $site->dir . '/none.yaml', qr/none\.yaml.*no such file/);
refuses('a folder', $site->dir . '/root', qr/root/);
mkfifo($site->dir . '/fifo', 0600);
refuses('a FIFO', $site->dir . '/fifo', qr/fifo/);
SKIP: {
    skip 'root reads everything', 1 if $> == 0;
    chmod 0, $site->write('secret.yaml', "site: a\n");
    refuses('an unreadable file', $site->dir . '/secret.yaml', qr/Permission denied/);
}
{
    open my $out, '>', $site->dir . '/huge.yaml' or die;
    print {$out} "x-a: ", 'a' x 1_000_000, "\n" for 1 .. 100;
    close $out;
}
refuses('100 MB', $site->dir . '/huge.yaml', qr/huge\.yaml/);
refuses_text('an empty file', '', qr/bad\.yaml/);
refuses_text('not UTF-8', "site: caf\xe9\n", qr/bad\.yaml:1:10.*UTF-8/);
refuses_text('no YAML', "site: [a\nworkers: {\n", qr/bad\.yaml:\d+:\d+/);
refuses_text('a second document', "site: a\n---\nsite: b\n", qr/bad\.yaml:\d+:\d+.*second document/);
refuses_text('duplicate keys', "site: a\nsite: b\nworkers: {}\n", qr/bad\.yaml:2:1/);
refuses_text('aliases that explode',
    "a: &a [x,x,x,x,x,x,x,x,x]\n" . join('', map { "$_->[0]: &$_->[0] [" . join(',', ("*$_->[1]") x 9) . "]\n" }
        (['b', 'a'], ['c', 'b'], ['d', 'c'], ['e', 'd'], ['f', 'e'], ['g', 'f'], ['h', 'g'], ['i', 'h'])),
    qr/bad\.yaml:\d+:\d+/);
refuses_text('many mistakes, all of them at once', <<"YAML", qr/:1:/, qr/:4:\d+.*lisen/, qr/did you mean `listen`/, qr/:5:\d+/, qr/:8:\d+.*70000/, qr/:9:\d+/, qr/:10:\d+/);
sit: a
workers:
  docs: {kind: static, root: root,
    lisen: "127.0.0.1:1"}
  front: {kind: accelerator, listen: "127.0.0.1:2"}
  app:
    kind: dynamic
    listen: 127.0.0.1:70000
    app: missing.psgi
    stop: {grace: 30}
YAML
refuses_text('two workers on one port', <<"YAML", qr/:4:\d+.*8085/, qr/\bdocs\b/);
site: test
workers:
  docs: {kind: static, listen: "127.0.0.1:8085", root: root}
  more: {kind: static, listen: "0.0.0.0:8085", root: root}
YAML
refuses_text('keys of later versions', <<"YAML", qr/:4:.*known, not in this version/);
site: test
workers:
  docs: {kind: static, listen: "127.0.0.1:8085", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:8086", app: app.psgi, handler: My::Handler}
YAML

refuses_text('machines that cannot be', <<"YAML", qr/:4:19: error: 10\.9\.0\.1 is the address of `web1` \(line 3\) already/,
site: test
machines:
  web1: {address: 10.9.0.1}
  app1: {address: 10.9.0.1}
  app2: {address: 10.9.0.3}
workers:
  docs: {kind: static, on: wep1, listen: 8085, root: root}
  more: {kind: static, listen: 8085, root: root}
  late: {kind: static, on: web1, listen: "10.9.0.3:8085", root: root}
  front: {kind: accelerator, on: web1, listen: 80, routes: [{path: /, to: app}]}
  app: {kind: dynamic, on: app2, app: app.psgi}
YAML
    qr/:7:28: error: there is no machine `wep1`\n.*\n.*\n\s+did you mean `web1`/, qr/:8:3: error: `more` has no `on`/,
    qr/:9:42: error: 10\.9\.0\.3 is the address of `app2`, and `late` is on web1/,
    qr/:10:75: error: `front` is on `web1`, and `app` on app2 has no `gateway`/);

refuses_text('a variable that is not set', <<'YAML', qr/bad\.yaml:3:48: error: the variable `MPSUP_NOT_SET` is not set/, qr/\$\{MPSUP_NOT_SET:-/);
site: test
workers:
  docs: {kind: static, root: root, listen: "127${MPSUP_NOT_SET}"}
YAML

is_deeply [$site->pids('docs', 'light'), $site->pids('app', 'master'), $site->pids('app', 'child')], \@before,
    'all of it left the running site as it was';

subtest 'a port in use' => sub {
    my $holder = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die;
    my $port = $holder->sockport;
    my $taken = $site->topology(<<"YAML", 'taken.yaml');
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2}
  more: {kind: static, listen: "127.0.0.1:$port", root: root}
YAML
    my ($code, $out, $err) = $site->mpsup('up', $taken);
    is $code, 1, 'exit 1';
    like $err, qr/127\.0\.0\.1:$port/, 'names address and port';
    like $err, qr/pid $$/, 'and who holds it';
    is_deeply [$site->pids('app', 'child')], [@before[2 .. $#before]], 'nothing changed';
    is request($pages, '/')->{status}, 200, 'and the site serves';
};

subtest 'an application that dies while it is loaded' => sub {
    my $fresh = new_site(name => 'fresh');
    my ($one, $two) = (free_port(), free_port());
    mkdir $fresh->dir . '/root';
    $fresh->write('app.psgi', "use strict;\n\ndie qq{no database here};\n");
    my ($code, $out, $err) = $fresh->mpsup('up', $fresh->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$one", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$two", app: app.psgi}
YAML
    is $code, 1, 'exit 1';
    like $err, qr/no database here at \S+app\.psgi line 3/, "Perl's own message with file and line";
    ok !eval { request($one, '/') }, 'and nothing is half up';
    is +($fresh->mpsup('status'))[0], 4, 'no supervisor is left';
    $fresh->write('app.psgi', "kill KILL => \$\$;\n");
    (undef, undef, $err) = $fresh->mpsup('up', $fresh->dir . '/site.yaml');
    unlike $err, qr/no database here/, 'what the log has of an earlier attempt is not quoted for the next';
    $fresh->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["ok\n"]] }});
    $fresh->must('up', $fresh->dir . '/site.yaml');
    is request($two, '/')->{body}, "ok\n", 'mended, it comes up';
    like +($fresh->mpsup('restart', 'nosuch'))[2], qr/there is no worker nosuch; there is docs, app/, 'who names none that there is, is told which there are';
};

subtest 'a damaged database' => sub {
    $site->must('down');
    $site->write('state/test/state.db', 'this is no database' x 1000);
    $site->must('up', $good);
    is request($pages, '/')->{status}, 200, 'the site serves';
    ok scalar(grep { !/\.db(-wal|-shm)?$/ } glob $site->{state} . '/test/state.db*'), 'and what was damaged is kept';
};

subtest 'bad command lines' => sub {
    is +($site->mpsup('upp'))[0], 2, 'an unknown verb: exit 2';
    is_deeply [$site->mpsup('help', @$_)], [$site->mpsup(@$_, '--help')], "help @$_" for ['up'], ['links', 'check'], [];
    is +($site->mpsup('help', 'upp'))[0], 2, 'of an unknown verb: exit 2';
    is +($site->mpsup('up'))[0],  2, 'no file: exit 2';
    is +($site->mpsup('restart', 'nobody'))[0], 2, 'an unknown worker: exit 2';
    is +($site->mpsup('status', '--site', 'nosuch'))[0], 2, 'an unknown site: exit 2';
    is +($site->mpsup('status', '--timeout', '5'))[0], 2, 'a duration without a unit: exit 2';
};

done_testing;
