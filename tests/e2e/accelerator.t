#!/usr/bin/perl
# An accelerator in front of a pool, as a user has it: files, pages, the cache and what an operator may ask of it, uploads, streams,
# files that the application names, children that die, maintenance, rolls that start warm.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use JSON::PP qw(decode_json);
use Mpsup::Test qw(new_site free_port wait_until request connect_to exchange read_file);
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site(name => 'accelerated');
my $port = free_port();
$site->write('app.psgi', <<'APP');
use Digest::MD5 qw(md5_hex);
my $count = 0;
sub {
    my $env  = shift;
    my $path = $env->{PATH_INFO};
    if ($path eq '/who') {
        return [200, ['Content-Type' => 'text/plain'], [join "\n", map { "$_=" . ($env->{$_} // '') } qw(REMOTE_ADDR REMOTE_PORT HTTP_MPSUP_CLIENT_PORT HTTP_HOST psgi.url_scheme HTTP_X_FORWARDED_FOR HTTP_X_REQUEST_ID HTTP_VIA)]];
    }
    if ($path =~ m{^/kept}) { return [200, ['Content-Type' => 'text/plain', 'Cache-Control' => 'max-age=600', 'Cache-Tag' => 'kept, all'], ["kept $$ " . ++$count . "\n"]] }
    if ($path eq '/digest') {
        my $body = '';
        1 while $env->{'psgi.input'}->read($body, 65536, length $body);
        return [200, ['Content-Type' => 'text/plain'], [md5_hex($body)]];
    }
    if ($path eq '/stream') {
        return sub {
            my $writer = $_[0]->([200, ['Content-Type' => 'text/event-stream']]);
            for my $n (1 .. 3) { $writer->write("data: $n\n\n"); select undef, undef, undef, 0.3 }
            $writer->close;
        };
    }
    if ($path eq '/slow')  { select undef, undef, undef, 0.05 until -e "$ENV{MARK}.over" }
    if ($path eq '/die')   { kill 'KILL', $$ }
    if ($path eq '/half')  { return sub { my $writer = $_[0]->([200, ['Content-Length' => 10]]); $writer->write('half'); kill 'KILL', $$ } }
    if ($path eq '/once')  {
        my $mark = "$ENV{MARK}";
        if (!-e $mark) { open my $out, '>', $mark; close $out; kill 'KILL', $$ }
        return [200, ['Content-Type' => 'text/plain'], ["alive\n"]];
    }
    if ($path eq '/file')     { return [200, ['Content-Type' => 'text/plain', 'X-Accel-Redirect' => '/protected/secret.txt'], ['never seen']] }
    if ($path eq '/redirect') { return [302, ['Location' => "http://$env->{HTTP_HOST}/there", 'Set-Cookie' => 'a=b; Path=/'], []] }
    return [200, ['Content-Type' => 'text/plain', 'X-Path' => $path], ["page\n"]];
}
APP
mkdir $site->dir . "/$_" for qw(root pages private);
$site->write('private/secret.txt', "a secret\n");
$site->write('root/file.txt', "a file\n");
$site->write('pages/503.html', "<h1>later</h1>\n");
$site->write('pages/maintenance.html', "<h1>we are at work</h1>\n");
my $yaml = <<"YAML";
  front:
    kind: accelerator
    listen: 127.0.0.1:$port
    cache: {size: 16MiB}
    error_pages: pages
    routes:
      - {path: /file.txt, root: root}
      - {path: /protected/, alias: private, internal: on}
      - {path: /gone/, to: ["127.0.0.1:1", "127.0.0.1:2"], eject: 1}
      - {path: /, to: app, cache: on}
  app: {kind: dynamic, app: app.psgi, pool: 2, env: {MARK: @{[$site->dir]}/mark}}
YAML
$site->must('up', $site->topology($yaml));
my $host = "127.0.0.1:$port";

subtest 'pages and files' => sub {
    is request($port, '/file.txt')->{body}, "a file\n", 'a file';
    is request($port, '/')->{body}, "page\n", 'a page';
    my %who = map { split /=/, $_, 2 } split /\n/, request($port, '/who', headers => {'X-Forwarded-For' => '6.6.6.6', 'X-Forwarded-Proto' => 'https'})->{body};
    is $who{REMOTE_ADDR}, '127.0.0.1', 'the application sees the client, whatever that says of itself';
    is $who{'psgi.url_scheme'}, 'http', 'and the scheme it came by';
    my $own = connect_to($port);
    my %own = map { split /=/, $_, 2 } split /\n/, exchange($own, "GET /who HTTP/1.1\r\nHost: a\r\nMpsup-Client-Port: 1\r\n\r\n")->{body};
    is $own{REMOTE_PORT}, $own->sockport, 'its port, too';
    is $own{HTTP_MPSUP_CLIENT_PORT}, '', 'which is told between us alone';
    is request($port, '/file')->{body}, "a secret\n", 'a file that the application names';
    is request($port, '/protected/secret.txt')->{status}, 404, 'and nobody else';
    is $who{HTTP_HOST}, $host, 'the host is the one that was asked for';
    like $who{HTTP_X_REQUEST_ID}, qr/\A[0-9a-f]{32}\z/, 'each request has a name';
    my $reply = request($port, '/');
    is $reply->{headers}{'mpsup-child'}, undef, 'what a child says of itself goes no further';
    is request($port, '/redirect')->{headers}{location}, "http://$host/there", 'a redirect leads to us';
};

subtest 'the cache, and what may be asked of it' => sub {
    my $first = request($port, '/kept/a');
    like $first->{headers}{'cache-status'}, qr/fwd=(?:uri-)?miss.*stored/, 'stored';
    my $second = request($port, '/kept/a');
    is $second->{body}, $first->{body}, 'the second is the first';
    like $second->{headers}{'cache-status'}, qr/;\s*hit/, 'and says so';
    ok defined $second->{headers}{age}, 'with its age';
    my $list = decode_json($site->must('cache', 'ls', '-o', 'json'));
    like $site->must('cache', 'ls'), qr{http://\Q$host\E/kept/a}, 'it is listed';
    my $explained = $site->must('explain', "http://$host/kept/a");
    like $explained, qr/hit/, 'explain knows that it would be answered from the cache';
    like $explained, qr/site\.yaml:\d+/, 'and which line of the file says so';
    like $site->must('explain', "http://$host/protected/x"), qr/^leads to  404: the route is internal/m, 'and that clients get nothing of an internal route';
    $site->must('cache', 'purge', "http://$host/kept/a");
    isnt request($port, '/kept/a')->{body}, $first->{body}, 'purged by URL';
    my $again = request($port, '/kept/a');
    $site->must('cache', 'purge', '--tag', 'kept');
    isnt request($port, '/kept/a')->{body}, $again->{body}, 'purged by tag';
    like $site->must('cache', 'stats'), qr/hits/, 'counted';
    like $site->must('cache', 'stats', 'front'), qr/hits/, 'of one accelerator too';
    is $again->{headers}{'cache-tag'}, undef, 'tags are for us alone';
};

subtest 'content goes up whole' => sub {
    my $body = join '', map { chr(65 + $_ % 26) } 1 .. 3_000_000;
    require Digest::MD5;
    is request($port, '/digest', method => 'POST', body => $body)->{body}, Digest::MD5::md5_hex($body), '3 MB, memory and disk';
};

subtest 'a stream is passed on as it comes' => sub {
    my $socket = connect_to($port);
    syswrite $socket, "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my ($text, @at) = ('');
    while (sysread $socket, $text, 65536, length $text) { my $seen = () = $text =~ /data: /g; $at[$seen] //= time }
    cmp_ok $at[3] - $at[1], '>', 0.4, 'one event after the other';
};

subtest 'a page that takes long' => sub {
    my $slow = connect_to($port);
    syswrite $slow, "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my %count;
    my $end = time + 2.5;
    while (time < $end) { $count{ request($port, '/')->{status} }++ }
    is_deeply [keys %count], [200], 'holds nobody up' or diag explain \%count;
    $site->write('mark.over', '');
    my $text = '';
    1 while sysread $slow, $text, 65536, length $text;
    like $text, qr{\AHTTP/1\.1 200 }, 'and is answered';
};

subtest 'children that die' => sub {
    is request($port, '/once')->{body}, "alive\n", 'a safe request is asked again of another child';
    unlink $site->dir . '/mark';
    is request($port, '/once', method => 'POST', body => 'x')->{status}, 502, 'one that may have changed something is not';
    is request($port, '/die')->{status}, 502, 'what kills its child is a 502' for 1 .. 2;
    wait_until(10, 'it is quarantined', sub { request($port, '/die')->{status} == 503 });
    request($port, '/half') for 1 .. 3;
    wait_until(10, 'what kills its child in the midst of the answer is, too', sub { (request($port, '/half') // {status => 0})->{status} == 503 });
    is request($port, '/')->{status}, 200, 'others are served';
    my $wait = request($port, '/die')->{headers}{'retry-after'};
    ok $wait > 2 && $wait <= 60, "and it says when to ask again ($wait)";
    like $site->must('explain', "http://$host/die"), qr/^answers   503 for \d+s: in quarantine/m, 'explain knows';
    unlike $site->must('explain', "http://$host/"), qr/^answers/m, 'of others there is nothing to say';
};

subtest 'backends' => sub {
    is request($port, '/gone/')->{status}, 502, 'nobody is there';
    my $table = $site->must('status');
    like $table, qr/^127\.0\.0\.1:[12] +front +ejected, \d+s left +0 +\d+ +\S.* +\/gone\/$/m, 'status shows who gets nothing';
    cmp_ok length, '<=', 80, 'in 80 columns' for grep { /^(?:BACKEND|127)/ } split /\n/, $table;
    my ($front) = grep { $_->{name} eq 'front' } @{ $site->status->{workers} };
    is_deeply [map { $_->{address} } @{ $front->{backends} }], ['127.0.0.1:1', '127.0.0.1:2'], 'for programs too';
    like $site->must('explain', "http://$host/gone/"), qr/^backend   127\.0\.0\.1:1: /m, 'and so does explain';
};

subtest 'maintenance' => sub {
    $site->must('maintenance', 'on');
    like $site->must('explain', "http://$host/file.txt"), qr/^answers   503: front is in maintenance/m, 'explain knows';
    my $reply = request($port, '/');
    is $reply->{status}, 503, 'everything is 503';
    like $reply->{body}, qr/at work/, 'with the page that is there for it';
    ok $reply->{headers}{'retry-after'}, 'and when to come back';
    $site->must('restart', 'front');
    is request($port, '/')->{status}, 503, 'a restart changes nothing of it';
    $site->must('maintenance', 'off');
    is request($port, '/')->{status}, 200, 'off again';
};

subtest 'a restart starts warm' => sub {
    # A process that has just been let in stores as soon as the one before it lets go of the memory.
    my $kept = wait_until(5, 'it stores', sub {
        my $reply = request($port, '/kept/warm');
        return $reply->{headers}{'cache-status'} =~ /;\s*hit/ ? $reply->{body} : undef;
    });
    $site->must('restart', 'front');
    is request($port, '/kept/warm')->{body}, $kept, 'the next process knows it';
    my $new = wait_until(5, 'and it stores', sub {
        my $path = '/kept/' . int rand 1e9;
        request($port, $path);
        return (request($port, $path)->{headers}{'cache-status'} // '') =~ /;\s*hit/;
    });
    kill 'KILL', $site->pids('front', 'light');
    wait_until(10, 'another one serves', sub { my $reply = eval { request($port, '/kept/warm') }; $reply && $reply->{status} == 200 });
    is request($port, '/kept/warm')->{body}, $kept, 'even when it was killed';
    my $pid = $site->supervisor_pid;
    kill 'KILL', $pid;
    $site->must('up', $site->dir . '/site.yaml');
    $site->must('restart', 'front');
    is request($port, '/kept/warm')->{body}, $kept, 'and when its supervisor was';
};

subtest 'the log of requests' => sub {
    wait_until(5, 'it stores', sub { request($port, '/kept/logged')->{headers}{'cache-status'} =~ /;\s*hit/ });
    request($port, '/kept/log') for 1 .. 2;
    my ($line) = wait_until(5, 'the lines are written', sub { my @lines = grep { m{GET /kept/log } } split /\n/, read_file("$site->{state}/$site->{name}/log/front.access.log"); @lines == 2 ? \@lines : 0 });
    like $line->[0], qr/\A127\.0\.0\.1 - - \[[^\]]+\] "GET \/kept\/log HTTP\/1\.1" 200 \d+ "-" "-" /, 'combined first';
    like $line->[1], qr/hit/, 'then what the cache said';
};

done_testing;
