# What the supervisor's API tells whoever reads events and logs: as the command line has it, live, and without anybody left behind.
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request read_file wait_until);
use Test::More;
use Time::HiRes qw(sleep time);

my $site = new_site();
my $port = free_port();
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$port", root: root, health: {every: 100ms}}
YAML
my $socket = "$site->{state}/run/$site->{name}/control/socket";

sub ask {
    my ($target, $method) = @_;
    my $client = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
    print $client +($method // 'GET') . " $target HTTP/1.1\r\nHost: x\r\n\r\n";
    return $client;
}

sub whole { my ($target) = @_; return Mpsup::Test::read_reply(ask($target)) }

# Lines that are about something, of a stream that has ended.
sub lines_of { return grep { length } split /\n/, whole(@_)->{body} }

# Processes that read for the supervisor.
sub readers { return grep { read_file("/proc/$_/cmdline") =~ /--here/ && read_file("/proc/$_/cmdline") =~ /\Q$site->{state}\E/ } map { m{/proc/(\d+)} } glob '/proc/[0-9]*' }

subtest 'the same as the command line says' => sub {
    request($port, "/a.txt?n=$_") for 1 .. 5;
    wait_until(5, 'lines', sub { read_file("$site->{state}/$site->{name}/log/docs.access.log") =~ /n=5 / });
    is_deeply [lines_of('/v1/events?lines=5')], [split /\n/, $site->must('events', '-n', 5, '-o', 'jsonl')], 'events';
    is_deeply [lines_of('/v1/events?lines=500&worker=docs')], [split /\n/, $site->must('events', 'docs', '-n', 500, '-o', 'jsonl')], 'of a worker';
    my @asked = lines_of('/v1/logs?workers=docs&access=1');
    my @said  = split /\n/, $site->must('logs', 'docs', '--access', '-o', 'jsonl'); # with the probes of the time between
    is_deeply \@asked, [@said[0 .. $#asked]], 'logs';
    is_deeply [lines_of('/v1/logs?access=1&grep=n%3D%5B23%5D%20&lines=1')], [split /\n/, $site->must('logs', '--access', '--grep', 'n=[23] ', '-n', 1, '-o', 'jsonl')], 'some lines';
    is_deeply [lines_of('/v1/logs?access=1&since_ms=' . int((time + 3600) * 1000))], [], 'nothing since the future';
    my $status = decode_json(whole('/v1/status?machines=all')->{body});
    ok !exists $status->{machines} && $status->{workers}[0]{machine} eq 'here', 'one machine is all there is';
    is whole('/v1/machines')->{body}, '{"version":1,"machines":[]}', 'no cluster';
};

subtest 'what cannot be told' => sub {
    is_deeply [map { decode_json($_) } lines_of('/v1/logs?workers=nobody')], [{type => 'nothing', why => 'there is no log of nobody'}], 'a log that there is not';
    is decode_json((lines_of('/v1/logs?grep=('))[0])->{type}, 'trouble', 'what is no expression';
    for my $case (['/v1/logs?lines=x', 400], ['/v1/logs?grep=%00', 400], ['/v1/logs?machines=web1', 400], ['/v1/other', 404], ['/v1/topologies', 404]) {
        is whole($case->[0])->{status}, $case->[1], $case->[0];
    }
    for my $case (['status', '--machine', 'web1'], ['workers', '--machine', 'web1'], ['events', '--machine', 'web1'], ['logs', '--machine', 'web1']) {
        my ($code, $out, $err) = $site->mpsup(@$case);
        is $code, 2, "@$case: usage";
        like $err, qr/there is no cluster/, 'and why';
    }
};

subtest 'followed' => sub {
    my $client = ask('/v1/logs?workers=docs&access=1&follow=1&lines=0');
    $client->blocking(0);
    my $got = '';
    my $has = sub { my ($pattern) = @_; sysread $client, $got, 65536, length $got; return $got =~ $pattern };
    wait_until(5, 'it is live', sub { $has->(qr/"type":"live"/) });
    request($port, '/a.txt?live=1');
    wait_until(5, 'a line', sub { $has->(qr/live=1 /) });
    unlike $got, qr/n=5 /, 'nothing of before';
    my ($reader) = readers();
    ok $reader, 'somebody reads';
    close $client;
    wait_until(5, 'nobody reads for nobody', sub { !readers() });
    pass 'and ends with its client';
};

subtest 'nobody is left when the supervisor dies' => sub {
    my @clients = map { ask('/v1/events?follow=1') } 1 .. 3;
    wait_until(5, 'readers', sub { readers() == 3 });
    kill 'KILL', $site->supervisor_pid;
    wait_until(5, 'they end', sub { !readers() });
    pass 'readers end with it';
    $site->must('up', $site->dir . '/site.yaml');
};

subtest 'many at once' => sub {
    my @clients = map { ask('/v1/events?lines=3') } 1 .. 40;
    my %bodies = map { Mpsup::Test::read_reply($_)->{body} => 1 } @clients;
    is scalar(keys %bodies), 1, 'all are told the same';
    is_deeply [readers()], [], 'and it is over';
};

done_testing;
