# depends_on: who is started after whom, and stopped before. reset: what was given up is tried again.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until);
use Test::More;

my $site = new_site();
my %port = map { $_ => free_port() } qw(shop api cache);
my $dir  = $site->dir;
# Each says when it is loaded; the shop asks the api meanwhile.
$site->write('api.psgi', <<"APP");
die "no database\\n" if -e '$dir/broken';
select undef, undef, undef, 0.5; # those who do not wait come too early
sub { [200, ['Content-Type' => 'text/plain'], ["api\\n"]] };
APP
$site->write('shop.psgi', <<"APP");
use IO::Socket::INET;
my \$api = IO::Socket::INET->new("127.0.0.1:$port{api}") or die "no api: \$!\\n";
print {\$api} "GET / HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n";
my \$reply = join '', <\$api>;
die "no answer\\n" if \$reply !~ /api\$/;
sub { [200, ['Content-Type' => 'text/plain'], ["shop\\n"]] };
APP
mkdir "$dir/root";
sub topology {
    my ($name, $api) = @_;
    return $site->topology(<<"YAML", $name);
  shop: {kind: dynamic, listen: "127.0.0.1:$port{shop}", app: shop.psgi, pool: 1, depends_on: {api: healthy, cache: started}}
  api: {kind: dynamic, listen: "127.0.0.1:$port{api}", app: api.psgi, pool: 1, depends_on: {cache: healthy}$api}
  cache: {kind: static, listen: "127.0.0.1:$port{cache}", root: root}
YAML
}

sub order_of { my ($kind) = @_; my %seen; return grep { !$seen{$_}++ } map { $_->{worker} } sort { $a->{id} <=> $b->{id} } grep { $_->{event} eq $kind } $site->events }

subtest 'up' => sub {
    my $out = $site->must('up', topology('site.yaml', ''));
    like $out, qr/shop waits for api/, 'says who waits for whom';
    is_deeply [order_of('started')], [qw(cache api shop)], 'starts in their order, not in that of the file';
    is request($port{shop}, '/')->{body}, "shop\n", 'so what the application needs was there';
};

subtest 'up again' => sub {
    like $site->must('up', "$dir/site.yaml"), qr/nothing changed/, 'changes nothing';
    my @pids = map { $site->pids($_, 'master') } qw(api shop);
    $site->write('site.yaml', Mpsup::Test::read_file("$dir/site.yaml") =~ s/cache: healthy/cache: started/r);
    $site->must('up', "$dir/site.yaml");
    is_deeply [map { $site->pids($_, 'master') } qw(api shop)], \@pids, 'another order restarts nobody';
};

subtest 'down' => sub {
    my ($code, $out, $err) = $site->mpsup('down');
    is $code, 0, 'ends well';
    like $out . $err, qr/shop: stopping.*api: stopping.*cache: stopping/s, 'and stops in the reverse order';
};

subtest 'a dependency that does not come up' => sub {
    $site->write('broken', '');
    my ($code, $out, $err) = $site->mpsup('up', topology('site.yaml', ''));
    is $code, 1, 'fails all of it';
    like $out . $err, qr/api generation \d+ did not become ready.*no database/s, 'for its own reason';
    unlike $out . $err, qr/no api/, 'and what waits for it is not even tried';
    unlink "$dir/broken";
};

subtest 'reset' => sub {
    $site->must('up', topology('site.yaml', ', restart: {burst: 2, backoff: 50ms}'));
    $site->write('broken', '');
    for (1 .. 2) {
        my ($master) = $site->pids('api', 'master') or last;
        kill 'KILL', $master, $site->pids('api', 'child');
        wait_until(20, 'it is gone', sub {
            kill 'KILL', $site->pids('api', 'child'); # one that came while the others were listed
            my $s = $site->worker('api')->{state};
            $s ne 'ready' && $s ne 'degraded';
        });
    }
    wait_until(20, 'it was given up', sub { $site->worker('api')->{state} eq 'failed' });
    my ($code, $out, $err) = $site->mpsup('reset', 'api');
    is $code, 1, 'of what still cannot start fails';
    like $out . $err, qr/api does not serve:/, 'and says so';
    unlink "$dir/broken";
    like $site->must('reset', 'api'), qr/api reset/, 'and of what can starts it';
    is $site->worker('api')->{state}, 'ready', 'it serves';
    is request($port{api}, '/')->{body}, "api\n", 'it answers';
    ok scalar(grep { $_->{event} eq 'reset' && $_->{worker} eq 'api' } $site->events), 'it is an event';
    ($code, $out, $err) = $site->mpsup('reset', 'nobody');
    is $code, 2, 'of nobody is a mistake';
};

subtest 'what is wrong in the file' => sub {
    for my $bad (['api: healthy', qr/waits for itself: shop -> api -> shop/], ['apo: healthy', qr/no worker `apo`.*did you mean `api`/s]) {
        my $file = $site->topology(<<"YAML", 'bad.yaml');
  shop: {kind: static, listen: "127.0.0.1:$port{shop}", root: root, depends_on: {$bad->[0]}}
  api: {kind: static, listen: "127.0.0.1:$port{api}", root: root, depends_on: {shop: started}}
YAML
        my ($code, $out, $err) = $site->mpsup('validate', $file);
        is $code, 78, "$bad->[0] is refused";
        like $out . $err, $bad->[1], 'with the reason';
    }
};

done_testing;
