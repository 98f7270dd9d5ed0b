# Each request of the corpus, sent as it is to a real dynamic worker whose application answers 200 to everything, and to a
# real static worker. What is refused is refused with a status that the client can read.
use strict;
use warnings;
use IO::Select;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request connect_to read_file source_root);
use Socket      qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
sub {
    my $env = shift;
    my $body = '';
    1 while $env->{'psgi.input'}->read($body, 65536, length $body);
    return [200, ['Content-Type' => 'text/plain'], ["ok\n"]];
}
APP
mkdir $site->dir . '/root';
$site->write('root/index.html', "ok\n");
# The corpus asks for a handful of paths; each is a file here, so that only what is refused is refused.
$site->write("root/$_", "ok\n") for qw(test path echo resource);
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 60s}}
YAML

# Everything that comes back within a second and a half of silence; whether the end was a reset.
sub send_raw {
    my ($port, $bytes) = @_;
    my $socket = connect_to($port);
    local $SIG{PIPE} = 'IGNORE';
    my $reply = '';
    my ($reset, $ended) = (0, 0);
    my $select = IO::Select->new($socket);
    my $sent   = 0;
    my $end    = time + 1.5;
    while (time < $end) {
        if ($sent < length $bytes && IO::Select->new($socket)->can_write(0)) {
            my $n = syswrite $socket, $bytes, 65536, $sent;
            if (defined $n) { $sent += $n; $end = time + 1.5 }
            else            { $sent = length $bytes }
        }
        next if !$select->can_read($sent < length $bytes ? 0.01 : $end - time > 0 ? $end - time : 0);
        my $got = sysread $socket, $reply, 65536, length $reply;
        if (!defined $got) { $reset = 1; last }
        if (!$got)         { $ended = 1; last }
        # A reply that keeps the connection open ends here: that the next one would come is another test's business.
        last if $reply =~ /\r\n\r\n/ && $reply !~ /^connection: close/mi;
    }
    my @statuses = $reply =~ m{^HTTP/1\.[01] (\d{3})}mg;
    @statuses = grep { $_ >= 200 } @statuses if @statuses > 1;
    return {status => $statuses[0], reset => $reset, ended => $ended};
}

# Is this how `expected` says a server should answer? What is only a warning there is no pass. A bare close is one only
# where no status is listed, and waiting for the rest of a request ("timeout") only where that is listed.
sub is_expected {
    my ($expected, $got, $is_static) = @_;
    my ($status, $passes) = ($got->{status}, $expected);
    $passes =~ s/ \(pass\).*//;
    return 0 if $got->{reset};
    return !$got->{ended} && $passes =~ /timeout/ if !defined $status;
    return $status != 101 if $passes eq '!101';
    return 0 if $passes =~ /\+ close/ && !$got->{ended};
    return 1 if $is_static && $status == 405;
    my @allowed = $passes =~ /\b([1-5](?:\d\d|xx))\b/g;
    for my $pattern (@allowed) {
        (my $regex = $pattern) =~ s/x/\\d/g;
        return 1 if $status =~ /\A$regex\z/;
    }
    return 0;
}

my $corpus = decode_json(read_file(source_root() . '/tests/conformance/data/http11probe.json'));
my ($scored, %failed) = (0);
for my $case (@{ $corpus->{cases} }) {
    next if !$case->{scored};
    ++$scored;
    my $bytes = $case->{rawRequest};
    utf8::downgrade($bytes);
    for my $target ([dynamic => $pages], [static => $files]) {
        my ($kind, $port) = @$target;
        my $before = request($port, '/');
        my $got    = send_raw($port, $bytes);
        my $after  = request($port, '/');
        my $good   = $before && $before->{status} == 200 && $after && $after->{status} == 200;
        my $ok     = $good && is_expected($case->{expected}, $got, $kind eq 'static');
        $failed{$kind}{ $case->{id} } = 1 if !$ok;
        ok $ok, "$kind: $case->{id}: $case->{expected}"
            or diag 'got ' . ($got->{status} // ($got->{reset} ? 'a reset' : 'no status')) . ($good ? '' : ', and a good request failed');
    }
}
cmp_ok $scored, '>', 100, "$scored scored cases";

for my $port ($pages, $files) {
    my $reply = Mpsup::Test::exchange(connect_to($port), "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    like $reply->{status}, qr/^20[04]$/, 'OPTIONS * is answered by the engine';
    ok $reply->{headers}{allow}, 'and says what is allowed';
}
is $site->worker('app')->{restarts}{crash}, 0, 'no child was lost on the way';
done_testing;
