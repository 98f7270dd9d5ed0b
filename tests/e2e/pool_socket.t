# A pool without an address of its own: what reaches it by its socket, and what becomes of that when things end.
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request exchange wait_until read_file write_file);
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
my $port = free_port();
mkdir $site->dir . '/root' or die;
$site->write('root/file.txt', "a file\n");
my $hold = $site->dir . '/hold';
my $ran  = $site->dir . '/ran';
$site->write('app.psgi', <<"PERL");
use Time::HiRes ();
sub {
    my \$e = shift;
    if (\$e->{PATH_INFO} eq '/hold') { Time::HiRes::sleep(0.005) while -e '$hold' }
    if (\$e->{PATH_INFO} eq '/die')  { die "on purpose\\n" }
    if (\$e->{PATH_INFO} eq '/count') { open my \$out, '>>', '$ran' or die; print {\$out} 'x' }
    my \@seen = map { "\$_=" . (\$e->{\$_} // '') } qw(REMOTE_ADDR SERVER_NAME SERVER_PORT psgi.url_scheme HTTP_HOST PATH_INFO);
    return [200, ['Content-Type' => 'text/plain', 'Mpsup-Child' => 'forged'], [join "\\n", \$\$, \@seen, '']];
};
PERL
my $yaml = sub {
    my (%more) = @_;
    return <<"YAML";
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    routes:
      - {path: /, root: root, try: app}
  app: {kind: dynamic, app: app.psgi, pool: @{[$more{pool} // 2]}, health: {every: 60s}}
YAML
};
my $file = $site->topology($yaml->());
$site->must('up', $file);
my $path = $site->dir . '/state/run/test/pool/app.sock';

sub ask {
    my ($target, %fields) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or return undef;
    my $host   = delete $fields{Host} // 'shop.example';
    my $head   = "GET $target HTTP/1.1\r\nHost: $host\r\n" . join '', map { "$_: $fields{$_}\r\n" } sort keys %fields;
    return exchange($socket, "$head\r\n");
}
sub seen { my ($reply) = @_; return { map { /\A(.+?)=(.*)\z/ ? ($1, $2) : () } split /\n/, $reply->{body} } }

subtest 'who may reach it' => sub {
    is request($port, '/file.txt')->{body}, "a file\n", 'the accelerator serves';
    is sprintf('%04o', (stat $path)[2] & 07777), '0600', 'the socket is for the site\'s own user';
    is sprintf('%04o', (stat $path =~ s{/[^/]+\z}{}r)[2] & 07777), '0700', 'and so is its folder';
    my $worker = $site->worker('app');
    is_deeply $worker->{listen}, [], 'status shows no address';
    is $worker->{socket}, $path, 'but the socket';
    is $site->status->{layout}, 'accelerated', 'and how the site is placed';
    my ($code, $table) = $site->mpsup('status');
    like $table, qr/^app\s.*\(accelerator\)$/m, 'people see who leads to it';
};

subtest 'what the accelerator says is believed' => sub {
    my $seen = seen(ask('/x', 'X-Forwarded-For' => '10.0.0.1, 192.0.2.7', 'X-Forwarded-Proto' => 'https', Host => 'shop.example:8443'));
    is $seen->{REMOTE_ADDR}, '192.0.2.7', 'the client';
    is $seen->{'psgi.url_scheme'}, 'https', 'its scheme';
    is "$seen->{SERVER_NAME} $seen->{SERVER_PORT}", 'shop.example 8443', 'the server as it was called';
    is $seen->{HTTP_HOST}, 'shop.example:8443', 'Host as it was given';
    $seen = seen(ask('/y'));
    is "$seen->{REMOTE_ADDR} $seen->{SERVER_PORT} $seen->{'psgi.url_scheme'}", '127.0.0.1 80 http', 'without a word of it the usual';
    my $log = wait_until(5, 'the access log', sub { my $text = read_file($site->dir . '/state/test/log/app.access.log'); $text =~ m{/y} && $text });
    like $log, qr{^192\.0\.2\.7 - - \[.*"GET /x HTTP/1\.1" 200}m, 'the access log has the client';
};

subtest 'who answered' => sub {
    my $reply = ask('/who');
    my ($pid) = $reply->{body} =~ /\A(\d+)/;
    my ($child, $generation, $micros) = split / /, $reply->{headers}{'mpsup-child'};
    is $child, $pid, 'the pid of the child, whatever the application says';
    is $generation, $site->worker('app')->{generation}, 'its generation';
    cmp_ok $micros, '<', 5_000_000, 'and how long it took';
    my $failed = ask('/die');
    is $failed->{status}, 500, 'an application that dies is answered for';
    is $failed->{body}, "500 Internal Server Error\n", 'in words';
    like $failed->{headers}{'mpsup-child'}, qr/\A\d+ \d+ \d+\z/, 'with the same field';
};

subtest 'who has given up is not served' => sub {
    $site->must('scale', 'app=1');
    wait_until(5, 'one child', sub { 1 == $site->pids('app', 'child') });
    write_file($hold, '');
    my $busy = IO::Socket::UNIX->new(Peer => $path) or die;
    syswrite $busy, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    wait_until(5, 'it is busy', sub { grep { ($_->{state} // '') eq 'busy' } @{ $site->worker('app')->{processes} } });
    for my $leaves (1, 0) {
        my $socket = IO::Socket::UNIX->new(Peer => $path) or die;
        syswrite $socket, "GET /count HTTP/1.1\r\nHost: a\r\n\r\n";
        close $socket if $leaves;
        $leaves or unlink $hold;
        $leaves or is Mpsup::Test::read_reply($socket)->{status}, 200, 'who waits is served';
    }
    is read_file($ran), 'x', 'and only who waits';
    is Mpsup::Test::read_reply($busy)->{status}, 200, 'after who was first';
    unlink $ran;
    $site->must('scale', 'app=2');
};

subtest 'restarts and deaths leave nobody without an answer' => sub {
    my $stop = $site->dir . '/stop';
    my @load = map {
        my $pid = fork // die;
        if (!$pid) {
            my ($good, $bad) = (0, 0);
            while (!-e $stop) { my $reply = ask('/load'); $reply && $reply->{status} == 200 ? ++$good : ++$bad }
            write_file($site->dir . "/load.$_", "$good $bad");
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 3;
    my $before = $site->worker('app')->{generation};
    $site->must('restart', 'app');
    cmp_ok $site->worker('app')->{generation}, '>', $before, 'a new generation serves on the same socket';
    my @pids = sort($site->pids('app', 'child'), $site->pids('app', 'master'), $site->pids('front', 'light'));
    kill 'KILL', $site->supervisor_pid;
    wait_until(5, 'no supervisor', sub { ($site->mpsup('status', '-q'))[0] != 0 });
    is ask('/alone')->{status}, 200, 'without a supervisor too';
    $site->must('up', $file);
    is_deeply [sort($site->pids('app', 'child'), $site->pids('app', 'master'), $site->pids('front', 'light'))], \@pids,
        'the next one takes them over';
    $site->must('restart', 'app');
    $site->must('upgrade');
    $site->must('restart');
    write_file($stop, '');
    waitpid $_, 0 for @load;
    my ($good, $bad) = (0, 0);
    for (1 .. 3) { my ($g, $b) = split / /, read_file($site->dir . "/load.$_"); $good += $g; $bad += $b }
    cmp_ok $good, '>', 100, "$good requests were answered";
    is $bad, 0, 'and none was not';
};

subtest 'a topology that leads nowhere else' => sub {
    my ($code, undef, $err) = $site->mpsup('up', $site->topology("  app: {kind: dynamic, app: app.psgi}\n", 'alone.yaml'));
    is $code, 78, 'a pool that nobody leads to is refused';
    like $err, qr/`app` has no `listen`.*no route of an accelerator leads to it/, 'and it is said why';
    my $other = free_port();
    $site->must('up', $site->topology("  app: {kind: dynamic, app: app.psgi, listen: '127.0.0.1:$other'}\n", 'alone.yaml'));
    is request($other, '/')->{status}, 200, 'with an address it serves there';
    unlike request($other, '/')->{headers}{'mpsup-child'}, qr/ /, 'where clients are told nothing of who answers';
    ok !-e $path, 'and the socket is gone';
    my $seen = seen(request($other, '/', headers => {'X-Forwarded-For' => '192.0.2.7', 'X-Forwarded-Proto' => 'https'}));
    is "$seen->{REMOTE_ADDR} $seen->{'psgi.url_scheme'}", '127.0.0.1 http', 'and nobody is believed';
    $site->must('up', $file);
    is ask('/')->{status}, 200, 'and back';
};

subtest 'what an operator asks' => sub {
    my $line = 1 + grep { 1 } split /\n/, (split /- \{path/, read_file($file))[0];
    --$line;
    my $out = $site->must('explain', "http://127.0.0.1:$port/x/..//y");
    like $out, qr{^route\s+no\. 1 \(\Q$file\E:$line\), path /$}m, 'the route, with its line in the file';
    like $out, qr{^path\s+/y$}m, 'the path as routes see it';
    like $out, qr{^leads to\s+files of .*root, else pool app$}m, 'where it leads';
    my $answer = decode_json($site->must('explain', '/y', '-o', 'json'));
    is $answer->{route}{pool}, 'app', 'the same in JSON';
    is +($site->mpsup('explain', 'http://127.0.0.1:1/'))[0], 1, 'where nobody listens it is said so';
    is +($site->mpsup('explain', 'nonsense'))[0], 2, 'and nonsense is refused';
    write_file($file, "# moved\n" . read_file($file));
    like $site->must('explain', '/y'), qr/\Q$file\E:@{[$line + 1]}\b/, 'a file that only moved is the same';
    write_file($file, read_file($file) =~ s/pool: 2/pool: 3/r);
    unlike $site->must('explain', '/y'), qr/\Q$file\E/, 'of one that was changed since, lines mean nothing';
    $site->must('maintenance', 'on');
    ok $site->worker('front')->{maintenance}, 'status shows maintenance';
    like +($site->mpsup('status'))[1], qr/front: in maintenance/, 'also to people';
    is +($site->mpsup('maintenance', 'on', 'app'))[0], 2, 'a pool has none';
    kill 'KILL', $site->supervisor_pid;
    wait_until(5, 'no supervisor', sub { ($site->mpsup('status', '-q'))[0] != 0 });
    $site->must('up', $file);
    ok $site->worker('front')->{maintenance}, 'the next supervisor knows of it';
    $site->must('maintenance', 'off');
    ok !$site->worker('front')->{maintenance}, 'and it ends';
};

done_testing;
