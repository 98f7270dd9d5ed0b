#!/usr/bin/perl
# What the accelerator forwards, no server behind it understands as another number of requests: nginx, Apache and HAProxy of Debian
# note the X-Request-Id of every request that they see, and those are exactly the ones that were forwarded. Sent are the corpus and
# requests from a grammar of almost right ones, damaged on purpose (Mpsup::Mutate).
# usage: differential_peers.t [COUNT [SEED]]
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use IO::Select;
use JSON::PP qw(decode_json);
use Mpsup::Mutate qw(generator);
use Mpsup::Test qw(new_site free_port wait_until request connect_to read_file write_file source_root);
use POSIX ();
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(time);

my $count = shift // $ENV{MPSUP_MUTATIONS} // 2000;
my $seed  = shift // time / 86400; # another one each day
$seed = int $seed;
my %program = (nginx => '/usr/sbin/nginx', apache => '/usr/sbin/apache2', haproxy => '/usr/sbin/haproxy');
my @peers   = grep { -x $program{$_} } sort keys %program;
plan skip_all => 'none of nginx, apache2 and haproxy is installed' if !@peers;

my $site = new_site(name => 'peers');
my $dir  = $site->dir;
my %port = map { $_ => free_port() } @peers;
my %command = (
    nginx   => ['-c', $site->write('nginx.conf', <<"CONF")],
daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.err;
events { worker_connections 256; }
http {
    log_format ids '\$http_x_request_id \$request \$status \$request_length';
    access_log $dir/nginx.ids ids;
    client_body_temp_path $dir/nginx-body; proxy_temp_path $dir/nginx-proxy; fastcgi_temp_path $dir/nginx-f; uwsgi_temp_path $dir/nginx-u; scgi_temp_path $dir/nginx-s;
    keepalive_requests 1000000;
    server { listen 127.0.0.1:@{[$port{nginx} // 0]}; location / { return 200 "ok\\n"; } }
}
CONF
    apache => ['-X', '-d', $dir, '-f', $site->write('apache.conf', <<"CONF")],
ServerName localhost
Listen 127.0.0.1:@{[$port{apache} // 0]}
PidFile $dir/apache.pid
ErrorLog $dir/apache.err
@{[map { "LoadModule $_->[0]_module /usr/lib/apache2/modules/mod_$_->[1].so\n" } [mpm_event => 'mpm_event'], [authz_core => 'authz_core'], [alias => 'alias']]}
LogFormat "%{X-Request-Id}i %r" ids
CustomLog $dir/apache.ids ids
KeepAlive On
MaxKeepAliveRequests 0
DocumentRoot $dir
RedirectMatch 204 .*
CONF
    haproxy => ['-db', '-f', $site->write('haproxy.cfg', <<"CONF")],
global
    log stdout format raw local0
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend f
    bind 127.0.0.1:@{[$port{haproxy} // 0]}
    log global
    http-request capture req.hdr(X-Request-Id) len 80
    log-format "%[capture.req.hdr(0)] %HM %HU %ST %tsc"
    http-request return status 200 content-type text/plain string ok
CONF
);
my %pid = map { $_ => start($_) } @peers;
END { my $code = $?; for (values %pid) { kill 'KILL', $_; waitpid $_, 0 } $? = $code }
for my $peer (@peers) {
    wait_until(10, "$peer answers", sub { eval { request($port{$peer}, '/') } });
}

# One front for each peer, so that a connection to a peer carries what one front forwarded.
my %front = map { $_ => free_port() } @peers;
$site->must('up', $site->topology(join '', map { <<"YAML" } @peers));
  front_$_:
    kind: accelerator
    listen: 127.0.0.1:$front{$_}
    log: json
    routes: [{path: /, to: "127.0.0.1:$port{$_}"}]
YAML

my $corpus = decode_json(read_file(source_root() . '/tests/conformance/data/http11probe.json'));
my @cases  = map { my $bytes = $_->{rawRequest}; utf8::downgrade($bytes, 1); $bytes } @{ $corpus->{cases} };
my $next   = generator($seed);
note "seed $seed, $count mutations";
for my $peer (@peers) { send_all($peer, sub { @cases ? $cases[ $_[0] ] : undef }, scalar @cases) }
my $made = 0;
while ($made < $count) {
    my @batch = map { $next->() } 1 .. ($count - $made < 500 ? $count - $made : 500);
    $made += @batch;
    send_all($_, sub { $batch[ $_[0] ] }, scalar @batch) for @peers;
}

for my $peer (@peers) {
    # The log is written some moments later, in order: what is before this one's line is there with it.
    request($front{$peer}, '/the-last-one');
    wait_until(10, 'the log is whole', sub { scalar grep { ($_->{request} // q()) =~ m{/the-last-one} } our_log("front_$peer") });
    my %forwarded = map { $_->{request_id} => $_ } grep { defined $_->{request_id} && ($_->{tier} // '') eq 'backend' } our_log("front_$peer");
    cmp_ok(scalar keys %forwarded, '>', $count / 20, "$peer: " . keys(%forwarded) . ' requests were forwarded');
    # Those that it answered; of others the client was gone, or had sent only half of it, before they were sent on.
    my %answered = map { $_ => $forwarded{$_} } grep { $forwarded{$_}{status} =~ /\A20[04]\z/ } keys %forwarded;
    my (%seen, @strangers);
    eval { wait_until(10, "$peer has noted what it got", sub {
        my %noted = map { (split / /)[0] => 1 } split /\n/, ids_of($peer);
        return !grep { !$noted{$_} } keys %answered;
    }) };
    for my $line (split /\n/, ids_of($peer)) {
        my ($id, $what) = split / /, $line, 2;
        next if $id eq '-' && $what =~ m{^GET / |<BADREQ> 400 CR--\z}; # the question whether it is there; a connection that ended before a head was whole
        if ($forwarded{$id}) { ++$seen{$id} } else { push @strangers, $line }
    }
    # A peer that refused a head before it had read as far as the name of the request: one that we sent on and that got its 400.
    my @refused = grep { !$seen{$_} && $forwarded{$_}{status} == 400 && $forwarded{$_}{bytes} > 0 } sort keys %forwarded;
    @strangers = grep { !(/\A- (?:<BADREQ> <BADREQ> 400 |\S+ \S+ \S+ 400 )/ && shift @refused) } @strangers;
    is_deeply(\@strangers, [], "$peer saw no request that was not forwarded");
    my @missed = grep { !$seen{$_} } sort keys %answered;
    is_deeply([map { JSON::PP->new->canonical->encode($forwarded{$_}) } @missed], [], "$peer saw each of " . keys(%answered) . ' that it answered');
    my @twice = grep { $seen{$_} > 1 && $forwarded{$_}{request} !~ /^(?:GET|HEAD|OPTIONS|TRACE) / } sort keys %seen;
    is_deeply(\@twice, [], "$peer saw none twice that is not safe");
}
done_testing;

sub start {
    my ($peer) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    open STDIN,  '<', '/dev/null' or POSIX::_exit(1);
    open STDOUT, '>', $peer eq 'haproxy' ? "$dir/haproxy.ids" : "$dir/$peer.out" or POSIX::_exit(1);
    open STDERR, '>', "$dir/$peer.stderr" or POSIX::_exit(1);
    exec $program{$peer}, @{ $command{$peer} } or POSIX::_exit(1);
}

# haproxy writes an empty capture as "-".
sub ids_of { my ($peer) = @_; return read_file("$dir/$peer.ids") }

sub our_log {
    my ($worker) = @_;
    my @lines = map { eval { decode_json($_) } } split /\n/, read_file("$site->{state}/$site->{name}/log/$worker.access.log");
    return @lines;
}

# Each on a connection of its own, up to 32 at a time, until the front hangs up.
sub send_all {
    my ($peer, $bytes_of, $total) = @_;
    my ($sent, %open) = (0);
    local $SIG{PIPE} = 'IGNORE';
    my $select = IO::Select->new;
    while ($sent < $total || %open) {
        while ($sent < $total && keys %open < 32) {
            my $socket = connect_to($front{$peer});
            syswrite $socket, $bytes_of->($sent++);
            shutdown $socket, SHUT_WR;
            $open{ fileno $socket } = {socket => $socket, end => time + 12};
            $select->add($socket);
        }
        for my $socket ($select->can_read(0.2)) {
            my $got = sysread $socket, my $ignored, 65536;
            next if $got;
            delete $open{ fileno $socket };
            $select->remove($socket);
            close $socket;
        }
        for my $entry (grep { $_->{end} < time } values %open) {
            fail("$peer: the front held a connection for 12 s");
            delete $open{ fileno $entry->{socket} };
            $select->remove($entry->{socket});
            close $entry->{socket};
        }
    }
    return;
}
