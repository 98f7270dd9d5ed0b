# What applications do at the edges: exceptions that cannot be printed, tied responses, forks, handles that were taken.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to wait_until read_file);
use Test::More;

my $site = new_site();
my $port = free_port();
my $dir  = $site->dir;
$site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict;
use warnings;
use Tie::Array;
use POSIX ();
$SIG{CHLD} = sub { 1 while waitpid(-1, POSIX::WNOHANG()) > 0 }; # at the file's level: it runs in the pool master
package NoText { use overload '""' => sub { die "no text\n" }, fallback => 1 }
package NoTruth { use overload 'bool' => sub { 0 }, '""' => sub { 'an exception that is false' }, fallback => 1 }
package main;
our $log;
my @ok = (200, ['Content-Type' => 'text/plain']);
sub tied_array { tie my @array, 'Tie::StdArray'; push @array, @_; return \@array }
sub blocked { open my $in, '<', '/proc/self/status' or die; return map { /SigBlk:\s*(\w+)/ ? hex $1 : () } <$in> }
my %page = (
    '/'        => sub { [@ok, [$$]] },
    '/no-text' => sub { die bless [], 'NoText' },
    '/no-truth' => sub { die bless [], 'NoTruth' },
    '/tied-body'     => sub { [@ok, tied_array('tied ', 'body')] },
    '/tied-headers'  => sub { [200, tied_array('Content-Type', 'text/x-tied', 'X-A', 'b'), ['x']] },
    '/tied-response' => sub { tied_array(@ok, ['response']) },
    '/proc' => sub { open my $in, '<', '/proc/self/stat' or die; [@ok, $in] },
    '/io'   => sub { my $io = $_[0]{'psgix.io'}; print {$io} "HTTP/1.0 200 OK\r\n\r\nraw"; [] },
    '/fork' => sub {
        my $pid = open(my $from, '-|') // die;
        if (!$pid) { print blocked(); $log = undef; exit 0 }
        my $said = join '', <$from>;
        return [@ok, [$said]];
    },
    '/forked' => sub {
        pipe my $from, my $to or die;
        my $pid = fork // die;
        if (!$pid) { syswrite $to, join '', blocked(); POSIX::_exit(0) }
        close $to;
        my $said = join '', <$from>;
        waitpid $pid, 0;
        return [@ok, [$said]];
    },
    '/flush' => sub {
        my $pid = fork // die;
        if (!$pid) { open $log, '>', 'DIR/flushed' or die; print {$log} "data\n"; exit 0 }
        waitpid $pid, 0;
        open my $in, '<', 'DIR/flushed' or die;
        return [@ok, [<$in>]];
    },
    '/errors-to-string' => sub { close STDERR; open STDERR, '>', \my $text or die; [@ok, ['x']] },
    '/warn' => sub { print { $_[0]{'psgi.errors'} } "WARNED\n"; [@ok, ['x']] },
);
sub { my $env = shift; ($page{ $env->{PATH_INFO} } // sub { [404, [], []] })->($env) };
APP
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 1, health: {path: /, every: 60s}}
YAML
sub page { my ($path) = @_; return request($port, $path) // {status => 0, body => '', headers => {}} }

my $pid = page('/')->{body};
is page('/no-text')->{status}, 500, 'an exception whose text dies: 500';
like $site->log_of('app'), qr{"GET /no-text HTTP/1.1": died of an object of NoText that has no text}, 'and the log says of what';
is page('/no-truth')->{status}, 500, 'an exception that is false: 500';
like $site->log_of('app'), qr/an exception that is false/, 'and it is logged';
is page('/tied-body')->{body}, 'tied body', 'a tied body';
is page('/tied-headers')->{headers}{'content-type'}, 'text/x-tied', 'tied headers';
is page('/tied-response')->{body}, 'response', 'a tied response';
like page('/proc')->{body}, qr/^\d+ /, 'a file that has content and no size';
is page('/fork')->{body}, 0, 'a process that was opened has no signal blocked';
is page('/forked')->{body}, 0, 'nor has one that was forked';
is page('/flush')->{body}, "data\n", 'exit in a fork writes what was printed';
page('/errors-to-string');
page('/warn');
like $site->log_of('app'), qr/WARNED/, 'standard error is a file again, not a string of the request before';

my $client = connect_to($port);
syswrite $client, "GET /io HTTP/1.1\r\nHost: a\r\n\r\n";
my $raw = '';
my $ended = eval {
    local $SIG{ALRM} = sub { die "no end\n" };
    alarm 5;
    1 while sysread $client, $raw, 1000, length $raw;
    alarm 0;
    1;
};
alarm 0;
ok $ended, 'a connection that the application took and forgot is closed';
is $raw, "HTTP/1.0 200 OK\r\n\r\nraw", 'with what it wrote there';
is page('/')->{body}, $pid, 'all by the same child';

kill 'KILL', $pid;
my $event = wait_until(5, 'the end of a child is an event', sub { (grep { $_->{event} eq 'child_exited' && $_->{pid} == $pid } $site->events)[0] });
is $event->{signal}, 9, 'and its signal is known, whatever SIGCHLD does to the application';

done_testing;
