# Plack::Handler::Mpsup: the pool inside of plackup's own perl.
use strict;
use warnings;
use Cwd        qw(getcwd);
use File::Temp ();
use IO::Socket::UNIX;
use Mpsup::Test qw(free_port request connect_to exchange wait_until write_file read_file build_dir);
use Test::More;

my $perl5 = build_dir() . '/perl5';
plan skip_all => 'Plack::Handler::Mpsup is not built' if !-e "$perl5/Plack/Handler/Mpsup.pm";
plan skip_all => 'there is no plackup'                if !grep { -x "$_/plackup" } split /:/, $ENV{PATH};
$ENV{PERL5LIB} = join ':', $perl5, grep { defined } $ENV{PERL5LIB};
delete @ENV{qw(PLACK_ENV PLACK_SERVER MPSUP_WORKERS)};

my $dir = File::Temp->newdir('mpsup-XXXXXX', TMPDIR => 1);
my %running; # pid => true
my $count = 0;
my $owner = $$;
END { if ($$ == $owner) { my $code = $?; kill '-KILL', keys %running; waitpid $_, 0 for keys %running; $? = $code } } # with their children

write_file("$dir/app.psgi", <<'APP');
use strict; use warnings;
my $dir = $ENV{TEST_DIR};
my @ok = (200, ['Content-Type' => 'text/plain']);
package Leaves { sub DESTROY { open my $out, '>>', "$dir/destroyed" or die; print {$out} "$$\n"; close $out } }
package main;
our $object = bless {}, 'Leaves';
END { open my $out, '>>', "$dir/ended"; print {$out} "$$\n"; close $out }
my %page = (
    '/'      => sub { [@ok, ["hello\n"]] },
    '/pid'   => sub { [@ok, ["$$"]] },
    '/env'   => sub { my $env = shift; [@ok, [join '', map { "$_=" . ($env->{$_} // '') . "\n" } sort grep { !ref $env->{$_} } keys %$env]] },
    '/post'  => sub { my $env = shift; $env->{'psgi.input'}->read(my $body, $env->{CONTENT_LENGTH}); [@ok, [lc $env->{REQUEST_METHOD}, ' ', $body]] },
    '/big'   => sub { [@ok, ['x' x 3_000_000]] },
    '/stream' => sub { sub { my $w = $_[0]->([@ok]); $w->write("part $_\n") for 1 .. 3; $w->close } },
    '/die'   => sub { die "no luck today\n" },
    '/exit'  => sub { exit 3 },
    '/eval-exit' => sub { eval 'sub { exit 3 }' ->() },
    '/fork'  => sub { my $pid = fork // die; if (!$pid) { exec 'true' or die } waitpid $pid, 0; [@ok, ["status $?"]] },
    '/system' => sub { [@ok, [scalar `printf '%s' ran`]] },
    '/wait'  => sub { # until it is told to go on
        open my $out, '>', "$dir/waiting" or die; close $out;
        while (!-e "$dir/go") { select undef, undef, undef, 0.005 }
        [@ok, ['waited']];
    },
);
sub { my $env = shift; ($page{ $env->{PATH_INFO} } // sub { [404, ['Content-Type' => 'text/plain'], ['none']] })->($env) };
APP

# Starts a program and comes back when it listens: {pid, err (its file), port}. Without a port: when it has ended.
sub start {
    my ($port, @command) = @_;
    my $err = "$dir/err." . ++$count;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $ENV{TEST_DIR} = "$dir";
        @SIG{qw(HUP INT QUIT)} = ('DEFAULT') x 3; # whoever runs the tests may ignore them
        setpgrp 0, 0; # all that comes of it can be reached
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', $err        or die;
        open STDERR, '>>', $err       or die;
        exec @command or die "exec $command[0]: $!";
    }
    $running{$pid} = 1;
    my $server = {pid => $pid, err => $err, port => $port};
    wait_until(30, "@command listens", sub {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        die 'it ended: ' . read_file($err) if !$socket && waitpid($pid, 1) == $pid;
        $socket;
    }) if $port;
    return $server;
}

sub plackup {
    my (@options) = @_;
    my $port = free_port();
    return start($port, 'plackup', '-s', 'Mpsup', '-o', '127.0.0.1', '-p', $port, '-E', 'deployment', @options, "$dir/app.psgi");
}

# Waits for the end: exit code, or "signal N".
sub finish {
    my ($server) = @_;
    local $SIG{ALRM} = sub { die "it does not end: " . read_file($server->{err}) };
    alarm 60;
    waitpid $server->{pid}, 0;
    alarm 0;
    delete $running{ $server->{pid} };
    return $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
}

sub stop { my ($server, $signal) = @_; kill $signal // 'TERM', $server->{pid}; return finish($server) }

# What it says when it cannot start.
sub refused {
    my (@options) = @_;
    my $server = start(undef, 'plackup', '-s', 'Mpsup', '-E', 'deployment', @options, "$dir/app.psgi");
    my $code = finish($server);
    return ($code, read_file($server->{err}));
}

sub children {
    my ($pid) = @_;
    return sort { $a <=> $b } grep { (read_file("/proc/$_/stat") =~ /\) \S (\d+)/)[0] // 0 == $pid } map { m{(\d+)$} } glob '/proc/[0-9]*'
        if !-e "/proc/$pid/task/$pid/children";
    return split ' ', read_file("/proc/$pid/task/$pid/children");
}
sub is_gone { my ($pid) = @_; return (read_file("/proc/$pid/stat") =~ /\) (\S)/ ? $1 : 'X') =~ /[XZ]/ }
sub fresh { unlink map { "$dir/$_" } qw(ended destroyed waiting go) }

subtest 'requests' => sub {
    fresh();
    my $server = plackup('--workers', 3);
    my $port   = $server->{port};
    my $reply  = request($port, '/');
    is "$reply->{status} $reply->{body}", "200 hello\n", 'GET';
    is request($port, '/post', method => 'POST', body => 'a=b')->{body}, 'post a=b', 'POST with its content';
    is length request($port, '/post', method => 'PUT', body => 'y' x 2_000_000)->{body}, 2_000_004, 'content too long for memory';
    $reply = request($port, '/big', method => 'HEAD');
    is "$reply->{status} $reply->{headers}{'content-length'} $reply->{body}", '200 3000000 ', 'HEAD has a head only';
    is length request($port, '/big')->{body}, 3_000_000, 'a big response';
    $reply = request($port, '/stream');
    is $reply->{body}, "part 1\npart 2\npart 3\n", 'streaming';
    is $reply->{headers}{'transfer-encoding'}, 'chunked', '  in chunks';
    my $env = request($port, '/env?a=b')->{body};
    like $env, qr/^psgi\.multiprocess=1$/m, 'psgi.multiprocess';
    like $env, qr/^SERVER_NAME=127\.0\.0\.1\n(?:.*\n)*SERVER_PORT=$port$/m, 'SERVER_NAME and SERVER_PORT';
    like $env, qr/^QUERY_STRING=a=b$/m, 'QUERY_STRING';
    is request($port, '/die')->{status}, 500, 'an application that dies is a 500';
    like read_file($server->{err}), qr{"GET /die HTTP/1\.1": no luck today}, '  and its message on standard error';
    is request($port, '/fork')->{body},   'status 0', 'the application forks';
    is request($port, '/system')->{body}, 'ran',      'the application runs programs';
    my $socket = connect_to($port);
    my @pids = map { exchange($socket, "GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")->{body} } 1 .. 3;
    is "@pids", "$pids[0] $pids[0] $pids[0]", 'three requests on a connection that is kept alive';
    unlike join('', map { read_file("/proc/$_/maps") } $server->{pid}, children($server->{pid})), qr/libperl/,
        'there is one perl in the process, the one that runs';
    is stop($server), 0, 'TERM ends it with 0';
};

subtest 'the pool' => sub {
    fresh();
    my $server = plackup('--workers', 3);
    my @pids = wait_until(10, 'three children', sub { my @now = children($server->{pid}); @now == 3 && [@now] })->@*;
    kill 'KILL', $pids[0];
    my @now = wait_until(10, 'a successor', sub {
        my @now = children($server->{pid});
        @now == 3 && !(grep { $_ == $pids[0] } @now) && [@now];
    })->@*;
    is scalar(grep { my $pid = $_; grep { $_ == $pid } @pids } @now), 2, 'a child that is killed is replaced, the others stay';
    is request($server->{port}, '/')->{status}, 200, 'and all goes on';
    # exit() was compiled before the handler was there: it is Perl's own, and ends the child.
    my $reply = eval { request($server->{port}, '/exit') };
    ok !$reply || $reply->{status} == 500, 'exit() in the application is no answer';
    wait_until(10, 'three children again', sub { children($server->{pid}) == 3 });
    is request($server->{port}, '/')->{status}, 200, '  and costs one child at most';
    is request($server->{port}, '/eval-exit')->{status}, 500, 'exit() in code that is compiled later ends the request only';
    is stop($server), 0, 'TERM';
    ok is_gone($_), "child $_ is gone" for @now;
};

subtest 'max-requests' => sub {
    my $server = plackup('--workers', 2, '--max-requests', 5);
    my %seen;
    wait_until(30, 'six processes', sub { $seen{ request($server->{port}, '/pid')->{body} }++; keys %seen >= 6 });
    pass 'children are replaced by and by';
    is stop($server), 0, 'TERM';
};

for my $signal (qw(TERM INT QUIT)) {
    subtest "$signal is a graceful end" => sub {
        fresh();
        my $server = plackup('--workers', 2);
        my @pids = wait_until(10, 'children', sub { my @now = children($server->{pid}); @now == 2 && [@now] })->@*;
        my $busy = connect_to($server->{port});
        my $idle = connect_to($server->{port});
        is exchange($idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")->{body}, "hello\n", 'a connection that is kept alive';
        print {$busy} "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
        wait_until(10, 'the request is in hand', sub { -e "$dir/waiting" });
        kill $signal eq 'INT' ? '-INT' : $signal, $server->{pid}; # Ctrl-C is for all of the terminal's foreground
        wait_until(10, 'nobody else is accepted', sub {
            (grep { is_gone($_) } @pids) == 1; # the idle child has left
        });
        write_file("$dir/go", '');
        my $reply = exchange($busy, '');
        is $reply->{body}, 'waited', 'the request in hand is finished';
        is finish($server), 0, 'the exit code is 0';
        ok is_gone($_), "child $_ is gone" for @pids;
        is read_file("$dir/ended"),     "$server->{pid}\n", 'END blocks ran in the process of plackup only';
        is read_file("$dir/destroyed"), "$server->{pid}\n", 'and destructors of what was loaded too';
    };
}

subtest 'KILL and HUP leave nobody behind' => sub {
    for my $signal (qw(KILL HUP)) {
        fresh();
        my $server = plackup('--workers', 2);
        my @pids = wait_until(10, 'children', sub { my @now = children($server->{pid}); @now == 2 && [@now] })->@*;
        my $busy = connect_to($server->{port});
        print {$busy} "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
        wait_until(10, 'the request is in hand', sub { -e "$dir/waiting" });
        like stop($server, $signal), qr/\Asignal /, "the master dies of $signal";
        write_file("$dir/go", '');
        is exchange($busy, '')->{body}, 'waited', 'the request in hand is finished';
        wait_until(10, 'children leave', sub { !grep { !is_gone($_) } @pids });
        pass 'children leave';
        ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port}), 'nobody listens';
    }
};

subtest 'what cannot be done is said' => sub {
    my $server = plackup();
    my ($code, $said) = refused('-o', '127.0.0.1', '-p', $server->{port});
    isnt $code, 0, 'a port in use: the exit code';
    like $said, qr/^Plack::Handler::Mpsup: listen on 127\.0\.0\.1:$server->{port}: Address already in use$/m, '  and why';
    is request($server->{port}, '/')->{status}, 200, '  the other one serves on';
    is stop($server), 0, 'TERM';
    my @wrong = (
        [['--workers', 0],           qr/^Plack::Handler::Mpsup: workers is a number from 1 to 1000, not '0'$/m],
        [['--workers', 'many'],      qr/workers is a number .*, not 'many'$/m],
        [['--workers', 1001],        qr/workers is a number .*, not '1001'$/m],
        [['--max-requests', -1],     qr/max_requests is a number .*, not '-1'$/m],
        [['--keepalive-timeout', 'x'], qr/keepalive_timeout is a number .*, not 'x'$/m],
        [['--timeout', '5s'],        qr/timeout is a number .*, not '5s'$/m],
        [['-o', 'no.such.host.invalid'], qr/cannot find the address of no\.such\.host\.invalid: /],
        [['-l', '127.0.0.1:0'],      qr/127\.0\.0\.1:0 is no address to listen at/],
        [['-l', "$dir/none/at/all"], qr{listen on \S+/none/at/all: No such file or directory}],
        [['-l', "$dir/" . 'x' x 200], qr{File name too long}],
        [['--enable-ssl'],           qr/TLS is not spoken here/],
        [['-D'],                     qr/--daemonize: it stays in the foreground/],
    );
    for my $case (@wrong) {
        my ($options, $pattern) = @$case;
        ($code, $said) = refused(@$options);
        isnt $code, 0, "@$options: the exit code";
        like $said, $pattern, '  and why';
    }
    $server = plackup('--frobnicate', 7);
    is request($server->{port}, '/')->{status}, 200, 'an option that is not known is no reason to stay away';
    like read_file($server->{err}), qr/the option frobnicate is not known, and was passed over/, '  but it is said';
    is stop($server), 0, 'TERM';
    local $ENV{MPSUP_WORKERS} = 'few';
    ($code, $said) = refused();
    like $said, qr/workers is a number .*, not 'few'/, 'MPSUP_WORKERS is read as strictly';
};

subtest 'addresses' => sub {
    my @ports  = (free_port(), free_port());
    my $path   = "$dir/app.sock";
    my @listen = map { ('-l', $_) } "127.0.0.1:$ports[0]", "localhost:$ports[1]", $path;
    write_file($path, 'of somebody who died');
    my $server = start($ports[1], 'plackup', '-s', 'Mpsup', '-E', 'deployment', @listen, "$dir/app.psgi");
    is request($_, '/')->{body}, "hello\n", "port $_" for @ports;
    my $ask = sub {
        my $socket = IO::Socket::UNIX->new(Peer => $path) or return "no connection: $!";
        return exchange($socket, "GET /env HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")->{body};
    };
    like $ask->(), qr/^SERVER_PORT=80$/m, 'a unix socket, where the file of an old one was';
    my ($code, $said) = refused('-l', $path);
    isnt $code, 0, 'a unix socket in use: the exit code';
    like $said, qr/listen on \Q$path\E: Address already in use/, '  and why';
    like $ask->(), qr/^SERVER_PORT=80$/m, '  the other one serves on';
    is stop($server), 0, 'TERM';
    ok !-e $path, 'the file of the socket is gone';
    $server = start($ports[0], 'plackup', '-s', 'Mpsup', '-E', 'deployment', '-l', ":$ports[0]", "$dir/app.psgi");
    is request($ports[0], '/', address => '127.0.0.2')->{body}, "hello\n", 'no host means every address';
    is stop($server), 0, 'TERM';
};

subtest 'as plackup wants it' => sub {
    my $port   = free_port();
    my $server = start($port, 'plackup', '-s', 'Mpsup', '-p', $port, '--access-log', "$dir/access.log", "$dir/app.psgi");
    my $reply  = request($port, '/die');
    is $reply->{status}, 500, 'development';
    like $reply->{body}, qr/no luck today/, '  shows the trace';
    like read_file($server->{err}), qr{^mpsup/[\d.]+: Accepting connections at http://0\.0\.0\.0:$port/$}m, '  and says where it listens';
    is request($port, '/')->{body}, "hello\n", '  and Lint has nothing to say';
    like read_file("$dir/access.log"), qr{"GET / HTTP/1\.1" 200 6}, '--access-log';
    is stop($server), 0, 'TERM';
    for my $loader (qw(Delayed Shotgun)) {
        $port   = free_port();
        $server = start($port, 'plackup', '-s', 'Mpsup', '-L', $loader, '-p', $port, '-E', 'deployment', "$dir/app.psgi");
        is request($port, '/')->{body}, "hello\n", "-L $loader";
        is stop($server), 0, '  TERM';
    }
    $port   = free_port();
    $server = start($port, 'plackup', '-s', 'Mpsup', '-p', $port, '-e', 'sub { [200, ["Content-Type", "text/plain"], ["inline"]] }');
    is request($port, '/')->{body}, 'inline', '-e';
    is stop($server), 0, '  TERM';
};

subtest 'plackup -r' => sub {
    mkdir "$dir/site";
    my $write = sub { write_file("$dir/site/app.psgi", qq{sub { [200, ['Content-Type' => 'text/plain'], ['$_[0] ', getppid]] }}) };
    $write->('one');
    my $port   = free_port();
    my $server = start($port, 'plackup', '-r', '-s', 'Mpsup', '-p', $port, '-E', 'deployment', "$dir/site/app.psgi");
    like request($port, '/')->{body}, qr/\Aone (\d+)\z/, 'serves';
    my $written = 0;
    my $body = wait_until(60, 'the new text', sub {
        # Now and then again: what is written before it looks for the first time is no change.
        if (time >= $written + 5) { $write->('another' . ' ' x ($written % 7)); $written = time }
        my $reply = eval { request($port, '/') };
        $reply && $reply->{body} =~ /\Aanother/ && $reply->{body};
    });
    like $body, qr/\Aanother +\d+\z/, 'a file that changes is loaded again';
    my ($master) = $body =~ /(\d+)\z/;
    is stop($server), 0, 'TERM';
    ok is_gone($master), 'nobody is left';
};

subtest 'use Mpsup' => sub {
    write_file("$dir/hooks.psgi", <<'PSGI');
use strict; use warnings;
use Mpsup;
Mpsup->post_fork(sub { our $in = $$ });
Mpsup->pre_exit(sub { open my $out, '>>', "$ENV{TEST_DIR}/left" or die; print {$out} "$$\n"; close $out });
sub {
    my $env = shift;
    exit 3  if $env->{PATH_INFO} eq '/exit';
    chdir '/' if $env->{PATH_INFO} eq '/chdir';
    require Cwd;
    return [200, ['Content-Type' => 'text/plain'], [$env->{PATH_INFO} eq '/cwd' ? Cwd::getcwd() : our $in]];
};
PSGI
    my $port   = free_port();
    my $server = start($port, 'plackup', '-s', 'Mpsup', '-p', $port, '--workers', 1, '-E', 'deployment', "$dir/hooks.psgi");
    my $pid    = wait_until(10, 'a child', sub { (children($server->{pid}))[0] });
    is request($port, '/')->{body}, $pid, 'Mpsup->post_fork';
    is request($port, '/exit')->{status}, 500, 'exit() ends the request only';
    is request($port, '/')->{body}, $pid, '  and not the child';
    is request($port, '/chdir')->{status}, 200, 'the application goes somewhere else';
    is request($port, '/cwd')->{body}, getcwd(), '  and is brought back';
    is stop($server), 0, 'TERM';
    is read_file("$dir/left"), "$pid\n", 'Mpsup->pre_exit';
    is scalar(`$^X -MMpsup -e 'print defined \$SIG{TERM} ? "ours" : "free"; exit 5' 2>&1`), 'free', 'on its own it changes no signal';
    is $? >> 8, 5, '  nor exit';
};

subtest 'run() in a program' => sub {
    my @ports = (free_port(), free_port());
    write_file("$dir/twice.pl", <<'PERL');
use strict; use warnings;
use Plack::Loader;
use POSIX ();
$SIG{INT} = sub { print "mine\n" };
local $SIG{TERM} = 'IGNORE';
for my $port (@ARGV) {
    Plack::Loader->load('Mpsup', host => '127.0.0.1', port => $port, workers => 1)
        ->run(sub { [200, ['Content-Type' => 'text/plain'], ["$port $$ ", getppid]] });
    my $blocked = POSIX::SigSet->new;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new, $blocked);
    print "TERM $SIG{TERM}, blocked ", $blocked->ismember(POSIX::SIGTERM()), "\n";
    kill 'INT', $$;
}
eval 'exit 7'; # the real one, though compiled late
PERL
    my $server = start($ports[0], $^X, "$dir/twice.pl", @ports);
    my ($pid) = request($ports[0], '/')->{body} =~ /\A$ports[0] (\d+) $server->{pid}\z/;
    ok $pid, 'serves';
    kill 'TERM', $server->{pid};
    wait_until(30, 'the second', sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ports[1]) });
    like request($ports[1], '/')->{body}, qr/\A$ports[1] \d+ $server->{pid}\z/, 'serves again, another application';
    ok is_gone($pid), 'the child of before is gone';
    is stop($server), 7, 'exit() is the real one afterwards';
    is read_file($server->{err}), "TERM IGNORE, blocked 0\nmine\n" x 2, 'signals are as they were';
};

subtest 'built for another perl, or another version' => sub {
    mkdir "$dir/other";
    mkdir "$dir/other/Plack";
    mkdir "$dir/other/Plack/Handler";
    my $try = sub {
        my ($from, $to) = @_;
        my $text = read_file("$perl5/Plack/Handler/Mpsup.pm");
        $text =~ s/$from/$to/ or die;
        write_file("$dir/other/Plack/Handler/Mpsup.pm", $text);
        local $ENV{PERL5LIB} = "$dir/other:$ENV{PERL5LIB}";
        return scalar `$^X -MPlack::Handler::Mpsup -e 1 2>&1`;
    };
    like $try->(qr/\('5\.\d+'/, q{('5.8'}), qr/is built for perl 5\.8, and this is perl [\d.]+; build mpsup again for this perl$/m,
        'another series of perl is refused';
    like $try->(qr/^our \$VERSION = '[\d.]+'/m, q{our $VERSION = '99.0'}), qr/object version [\d.]+ does not match .*99\.0/,
        'so are halves that do not belong together';
};

done_testing;
