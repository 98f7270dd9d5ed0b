# Children are replaced when they have served long enough: one at a time, start first, and no client notices.
use strict;
use warnings;
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until read_file);
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
my %port = map { $_ => free_port() } qw(requests grown hungry aged tired dynamic lazy);
my $dir  = $site->dir;
$site->write('load.psgi', application());
$site->write('app.psgi', q{my @ballast; sub { my $e = shift;
    push @ballast, 'x' x 2_000_000 if $e->{PATH_INFO} eq '/eat';
    [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
# Children take their time to be ready, and meanwhile much happens in their pool.
$site->write('late.psgi', q{Mpsup->post_fork(sub { select undef, undef, undef, 0.15 }); sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
my %of = (
    requests => 'app: load.psgi, pool: 3, recycle: {requests: 100}',
    grown    => 'app: app.psgi, pool: 1, recycle: {unshared: 24MiB, jitter: 0%}',
    hungry   => 'app: app.psgi, pool: 1, recycle: {rss: 100MiB, jitter: 0%}',
    aged     => 'app: app.psgi, pool: 2, recycle: {age: 2s}',
    tired    => 'app: app.psgi, pool: 1, recycle: {idle: 1s, jitter: 0%}',
    dynamic  => 'app: late.psgi, pool: {mode: dynamic, min: 2, max: 6, min_spare: 0, max_spare: 0, idle_timeout: 1s}, recycle: {requests: 20, jitter: 0%}',
    lazy     => 'app: late.psgi, pool: {mode: ondemand, max: 4, idle_timeout: 1s}, recycle: {requests: 20, jitter: 0%}',
);
$site->must('up', $site->topology(join '', map { qq(  $_: {kind: dynamic, listen: "127.0.0.1:$port{$_}", health: {path: /, every: 60s}, $of{$_}}\n) } sort keys %of));

sub children { my ($name) = @_; return $site->pids($name, 'child') }
# Events of a worker's children that left, oldest first.
sub ends { my ($name) = @_; return grep { $_->{worker} eq $name && $_->{event} eq 'child_exited' } reverse $site->events }
sub replaced {
    my ($name, $pid, $why) = @_;
    my ($event) = @{ wait_until(10, "$name: $pid is replaced", sub { my @e = grep { $_->{pid} == $pid } ends($name); @e ? \@e : undef }) };
    is $event->{exit_code}, 0, "$name: it left in order";
    like $event->{reason}, $why, "$name: and the event says why";
    return;
}

subtest 'by requests, under load' => sub {
    my $most = 0;
    my $finish = start_load(port => $port{requests}, seconds => 5, keep_alive => 8, one_shot => 2, pause => 0.003);
    my $end = time + 4.5;
    my ($fewest, $last, %seen) = (99, 99);
    while (time < $end) {
        my $worker = $site->worker('requests');
        my @ready  = grep { $_->{role} eq 'child' && $_->{state} =~ /idle|busy|reading/ } @{ $worker->{processes} };
        my @all    = grep { $_->{role} eq 'child' } @{ $worker->{processes} };
        ++$seen{ $_->{pid} } for @all;
        # What a child does is seen at once, that another is there when its master has said so: one look may be too early.
        my $two = @ready > $last ? @ready : $last;
        $fewest = $two if $two < $fewest;
        $last   = @ready;
        $most   = @ready if @ready > $most;
    }
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    cmp_ok scalar(keys %seen), '>', 6, 'children came and went';
    cmp_ok $fewest, '>=', 3, 'a successor is ready before its predecessor is told to leave';
    cmp_ok $most, '<=', 5, 'one at a time'; # a successor, and one that has not heard yet that it may leave
    my @ends = ends('requests');
    is_deeply [grep { $_->{reason} ne 'recycled: it had served its requests' } @ends], [], 'each for its requests';
    is $site->worker('requests')->{restarts}{crash}, 0, 'none of them is a crash';
};

subtest 'jitter' => sub {
    my $pid = (children('requests'))[0];
    my %served = map { $_->{pid} => $_->{requests} } grep { $_->{role} eq 'child' } @{ $site->worker('requests')->{processes} };
    ok !(grep { $_ > 300 } values %served), 'nobody serves far beyond the limit';
};

subtest 'by memory' => sub {
    for my $name (qw(grown hungry)) {
        my ($pid) = children($name);
        my $n = 0;
        wait_until(10, 'another answers', sub { request($port{$name}, ++$n <= 60 ? '/eat' : '/')->{body} != $pid });
        replaced($name, $pid, $name eq 'grown' ? qr/unshared memory/ : qr/resident memory/);
    }
};

subtest 'by age' => sub {
    my ($pid) = children('aged');
    replaced('aged', $pid, qr/its age/);
    wait_until(5, 'two again', sub { $site->worker('aged')->{ready} >= 2 });
    is request($port{aged}, '/')->{status}, 200, 'and it serves';
};

subtest 'by idleness' => sub {
    my ($pid) = map { $_ + 0 } request($port{tired}, '/')->{body};
    replaced('tired', $pid, qr/idle/);
};

subtest 'a dynamic pool does not grow for it' => sub {
    for my $name (qw(dynamic lazy)) {
        request($port{$name}, '/') for 1 .. 3;
        my $before = children($name);
        my ($most, %answered) = (0);
        wait_until(10, "$name: children are replaced", sub {
            ++$answered{ request($port{$name}, '/')->{body} + 0 } for 1 .. 5;
            my $now = () = children($name);
            $most = $now if $now > $most;
            return keys %answered >= 4;
        });
        my $usual = $name eq 'dynamic' ? 2 : 1;
        cmp_ok $most, '<=', $usual + 3, "$name: by one more at a time"; # and one that is leaving, and one for a client that waited
        wait_until(8, 'as before', sub { my $now = () = children($name); $now <= $usual });
        pass "$name: and it is what it was";
    }
};

subtest 'one that is leaving waits for its client asleep' => sub {
    my $socket = connect_to($port{tired});
    my $pid    = exchange($socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")->{body} + 0;
    $site->must('restart', '--detach', 'tired');
    wait_until(8, 'it is told to leave', sub { grep { $_->{pid} == $pid && $_->{state} eq 'finishing' } @{ $site->worker('tired')->{processes} } });
    sleep 1.1; # it would be tired by now
    my $cpu    = sub { (split ' ', read_file("/proc/$pid/schedstat") || 0)[0] / 1e9 };
    my $before = $cpu->();
    sleep 0.5;
    cmp_ok $cpu->() - $before, '<', 0.25, 'without using the processor';
    my $last = exchange($socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    is $last->{body} + 0, $pid, 'who stayed is served by it';
    is lc $last->{headers}{connection}, 'close', 'for the last time';
};

done_testing;
