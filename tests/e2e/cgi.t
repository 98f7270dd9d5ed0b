# CGI scripts in a pool: what they do, in each of the four modes, and what clients get for it.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until read_file write_file);
use POSIX ();
use Test::More;

my $site = new_site();
my $port = free_port();
my $dir  = $site->dir;
my $text = "Content-Type: text/plain\\n\\n";
mkdir "$dir/$_" or die for qw(cgi cgi/run cgi/fork cgi/exec cgi/no-index cgi/.git);

sub script {
    my ($name, $source, $mode) = @_;
    write_file("$dir/cgi/$name", $source);
    return chmod $mode // 0755, "$dir/cgi/$name";
}

# A Perl script, in the modes given: in the folder itself registry, else the folder has the mode's name.
sub perl_script {
    my ($name, $source, @modes) = @_;
    script($_ eq 'registry' ? $name : "$_/$name", "#!/usr/bin/perl\n$source\n") for @modes;
    return;
}
my @all = qw(registry run fork exec);

perl_script('hello.cgi', "our \$n++; print qq{${text}hello \$\$ \$n \$0};", @all);
perl_script('exit.cgi', "print qq{${text}before }; sub leave { eval { exit 3 } } leave(); print 'after';", @all);
perl_script('die.cgi', "print qq{${text}before };\ndie 'no luck';", @all);
perl_script('silent.cgi', "die 'before a word';", @all);
perl_script('end.cgi', "print qq{$text}; END { print 'last' } END { print 'first ' } exit;", @all);
perl_script('data.cgi', "print qq{$text}; while (<DATA>) { print \"\$.:\$_\" }\n__END__\none\ntwo", @all);
perl_script('cwd.cgi', "use Cwd; print qq{$text}, getcwd(); chdir '/'; umask 0; \$/ = undef; \$, = '-'; \$\\ = '!'; \$| = 1; alarm 1000;", @all);
perl_script('nph-x.cgi', "print qq{HTTP/1.1 206 Some of it\\r\\nContent-Type: text/plain\\r\\nX-Own: yes\\r\\n\\r\\nraw};", @all);
perl_script('status.cgi', "print qq{Status: 418 Teapot\\n$text}, 'short';", @all);
perl_script('away.cgi', "print qq{Location: http://elsewhere.example/x\\n\\n};", @all);
perl_script('near.cgi', "print qq{Set-Cookie: c=3\\nLocation: /env.cgi/in%20fo?q=1\\n\\n};", @all);
perl_script('env.cgi', "print qq{$text}, map { qq{\$_=\$ENV{\$_}\\n} } sort keys %ENV;", @all);
perl_script('output.cgi', <<"S", @all);
print qq{${text}print,};
system 'printf system,';
\$| = 1; print 'unbuffered,'; \$| = 0;
syswrite STDOUT, 'syswrite,';
print 'buffered,', `printf backticks,`;
open my \$pipe, '|-', 'cat' or die; print {\$pipe} 'to-pipe,'; close \$pipe;
my \$pid = fork // die; if (!\$pid) { exec 'printf', 'exec,' } waitpid \$pid, 0;
if (!(\$pid = fork)) { print 'fork,'; exit } waitpid \$pid, 0;
print 'end';
S
perl_script('params.cgi', "use CGI qw(:standard); print header('text/plain'), map { \$_ . '=' . join(',', CGI::multi_param(\$_)) . ';' } sort(CGI::param());", @all);
perl_script('fast.cgi', "use CGI::Fast; while (my \$q = CGI::Fast->new) { print \$q->header('text/plain'), 'round ', \$q->param('a') // 'none', ';' } print 'out';", qw(registry run fork));
perl_script('post.cgi', "use Digest::MD5; binmode STDIN; local \$/; my \$b = <STDIN> // ''; print qq{$text}, length \$b, ' ', Digest::MD5::md5_hex(\$b), ' ', \$ENV{CONTENT_LENGTH} // 'none';", @all);
perl_script('childpost.cgi', "print qq{$text}; exec 'md5sum'", qw(fork exec));
perl_script('big.cgi', "print qq{$text}; print 'x' x 65536 for 1 .. 320;", @all);
perl_script('length.cgi', "print qq{Content-Length: 5\\n${text}hello and more};", @all);
perl_script('hang.cgi', "print qq{$text\$\$\\n}; open my \$f, '>', '$dir/hung'; print {\$f} \$\$; close \$f; sleep 1000 while 1;", @all);
perl_script('posix_exit.cgi', "use POSIX (); \$| = 1; print qq{${text}flushed }; \$| = 0; print 'not flushed'; POSIX::_exit(0);", qw(fork exec));
perl_script('fork_exit.cgi', "use POSIX (); print qq{${text}before }; my \$pid = fork // die; if (!\$pid) { print 'lost'; POSIX::_exit(3) } waitpid \$pid, 0; print \$? >> 8;", @all);
perl_script('signals.cgi', "print qq{$text}, grep { /^Sig(?:Blk|Ign|Cgt)/ } do { open my \$s, '<', '/proc/self/status' or die; <\$s> };", qw(fork exec));
perl_script('fds.cgi', "print qq{$text}, map { \"\$_ \" . (readlink \"/proc/self/fd/\$_\") . \"\\n\" } do { opendir my \$d, '/proc/self/fd' or die; grep { /^\\d/ && \$_ != fileno \$d } readdir \$d };", qw(fork exec));
perl_script('stderr.cgi', "warn qq{a warning\\n}; print STDERR qq{to the log\\n}; close STDERR; close STDOUT;", @all);
perl_script('closed.cgi', "print qq{${text}closed}; close STDOUT; close STDERR; close STDIN;", @all);
perl_script('lexical.cgi', "my \$x = 40 + ++\$main::n;\nsub f { \$x }\nprint qq{$text}, f();", 'registry');
perl_script('term.cgi', "print qq{${text}x}; kill 'TERM', \$\$; sleep 5;", 'fork');
script('exec/shell', "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s in %s: ' \"\$0\" \"\$PWD\"; cat\n");
script('exec/signals.sh', "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; while read -r line; do echo \"\$line\"; done < /proc/\$\$/status\n");
script('shell', "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\na shell'\n");
script('exec/broken', "#!/nonexistent/program\n");
script('exec/code', "#!/bin/sh\nexit 5\n");
script('plain.txt', "#!/usr/bin/perl\nprint qq{${text}run};\n", 0644);
script('.hidden.cgi', "#!/usr/bin/perl\nprint qq{${text}run};\n");
script('.git/config.cgi', "#!/usr/bin/perl\nprint qq{${text}run};\n");
script('run/bad.cgi', "#!/usr/bin/perl\nuse strict;\nprint \$nothing;\n");
symlink '/usr/bin', "$dir/cgi/bin" or die;

sub topology {
    my (%extra) = (pool => 1, @_);
    my $keys = join '', map { ", $_: $extra{$_}" } sort keys %extra;
    return $site->topology(<<"YAML");
  app:
    {kind: dynamic, listen: "127.0.0.1:$port", health: {path: /hello.cgi, every: 60s},
     cgi: {dir: cgi, modes: {"run/*": perlrun, "fork/*": fork, "exec/*": exec}}$keys}
YAML
}
sub get { return request($port, @_) // {status => 0, body => '', headers => {}} }
sub log_text { return $site->log_of('app') }
sub in { my ($mode, $path) = @_; return $mode eq 'registry' ? $path : "/$mode$path" }

$site->must('up', topology());
like log_text(), qr{^mpsup: lexical\.cgi: named subroutines use the file's variable \$x \(line 3\): it runs in mode fork$}m,
    'a script that registry mode would break is named';
is get('/lexical.cgi')->{body}, 41, '  and right each time' for 1 .. 3;

my ($child) = $site->pids('app', 'child');
for my $mode (@all) {
    my @hello = map { get(in($mode, '/hello.cgi'))->{body} } 1, 2;
    my ($pid, $n) = $hello[1] =~ m{\Ahello (\d+) (\d+) \Q$dir\E/cgi/(?:$mode/)?hello\.cgi\z};
    my $here = $mode eq 'registry' || $mode eq 'run';
    ok $pid, "$mode: hello, and \$0" or diag $hello[1];
    ok $here ? $pid == $child : $pid != $child, '  in the process that it should run in';
    $mode eq 'registry' ? cmp_ok($n, '>=', 2, '  keeps package variables') : is($n, 1, '  always begins anew');
    is get(in($mode, '/exit.cgi'))->{body}, 'before ', "$mode: exit ends it, in an eval too";
    my $died = get(in($mode, '/die.cgi'));
    $here ? is($died->{status}, 500, "$mode: die") : is($died->{body}, 'before ', "$mode: die, after it has printed");
    is get(in($mode, '/silent.cgi'))->{status}, 500, "$mode: die before anything is printed";
    my $place = in($mode, '/die.cgi');
    like log_text(), qr{no luck at \Q$dir/cgi$place\E line 3}, '  and the log has script and line';
    is get(in($mode, '/end.cgi'))->{body}, 'first last', "$mode: END" for 1 .. 2;
    is get(in($mode, '/data.cgi'))->{body}, "1:one\n2:two\n", "$mode: DATA" for 1 .. 2;
    is get(in($mode, '/cwd.cgi'))->{body}, "$dir/cgi" . ($mode eq 'registry' ? '' : "/$mode"), "$mode: its folder" for 1 .. 2;
    my $nph = get(in($mode, '/nph-x.cgi'));
    is "$nph->{status} $nph->{headers}{'x-own'} $nph->{body}", '206 yes raw', "$mode: nph-";
    is get(in($mode, '/status.cgi'))->{status}, 418, "$mode: Status";
    my $away = get(in($mode, '/away.cgi'));
    is "$away->{status} $away->{headers}{location}", '302 http://elsewhere.example/x', "$mode: Location elsewhere";
    my $near = get(in($mode, '/near.cgi'));
    like $near->{body}, qr{^PATH_INFO=/in fo\nPATH=|^PATH_INFO=/in fo$}m, "$mode: Location here";
    like $near->{body}, qr{^QUERY_STRING=q=1$}m, '  with its query';
    is $near->{headers}{'set-cookie'}, 'c=3', '  keeps the cookie';
    is get(in($mode, '/output.cgi'))->{body}, 'print,system,unbuffered,syswrite,buffered,backticks,to-pipe,exec,fork,end',
        "$mode: what it and others print is in its place" for 1 .. 2;
    my $big = get(in($mode, '/big.cgi'));
    is length $big->{body}, 320 * 65536, "$mode: 20 MiB";
    is $big->{headers}{'content-length'}, 320 * 65536, '  from a file in memory, whose length is known' if $here;
    is get(in($mode, '/length.cgi'))->{body}, 'hello', "$mode: a Content-Length is kept to";
    is get(in($mode, '/fork_exit.cgi'))->{body}, 'before 3', "$mode: POSIX::_exit in what it forks";
    is get(in($mode, '/closed.cgi'))->{body}, 'closed', "$mode: closed handles" for 1 .. 2;
    is get(in($mode, '/stderr.cgi'))->{status}, 500, "$mode: nothing printed";
    like log_text(), qr{to the log}, '  and STDERR is the log';
}
subtest 'one connection' => sub {
    my $socket = connect_to($port);
    for my $mode (@all) {
        my $ask = sub { my ($method, $path) = @_; return exchange($socket, "$method " . in($mode, $path) . " HTTP/1.1\r\nHost: a\r\n\r\n", $method) };
        is $ask->('HEAD', '/hello.cgi')->{body}, '', "$mode: HEAD";
        like $ask->('GET', '/hello.cgi')->{body}, qr/\Ahello/, '  and then GET';
    }
};
is +($site->pids('app', 'child'))[0], $child, 'all of that cost no child';

subtest 'the environment' => sub {
    for my $mode (@all) {
        my $env = get(in($mode, '/env.cgi/pa%20th//x?a=1&b=%20'), headers => {Cookie => 'a=1', Proxy => 'http://evil/', 'X-Odd' => 'y'})->{body};
        my $name = in($mode, '/env.cgi');
        like $env, qr/^\Q$_\E$/m, "$mode: $_" for "SCRIPT_NAME=$name", 'PATH_INFO=/pa th//x', 'QUERY_STRING=a=1&b=%20', 'HTTP_COOKIE=a=1',
            'HTTP_X_ODD=y', 'GATEWAY_INTERFACE=CGI/1.1', "SERVER_PORT=$port", "SCRIPT_FILENAME=$dir/cgi$name", 'REQUEST_METHOD=GET', 'MPSUP_WORKER=app';
        unlike $env, qr/evil|CONTENT_|MOD_PERL|^psgi/m, "$mode: and no more";
        unlike get(in($mode, '/env.cgi'))->{body}, qr/HTTP_COOKIE|X_ODD/, "$mode: nor anything of the request before";
    }
};

SKIP: {
    skip 'CGI.pm is not installed', 1 unless eval { require CGI };
    for my $mode (@all) {
        is get(in($mode, '/params.cgi?a=1&b=2&a=3'))->{body}, 'a=1,3;b=2;', "$mode: CGI.pm";
        is get(in($mode, '/params.cgi'), method => 'POST', body => 'x=9', headers => {'Content-Type' => 'application/x-www-form-urlencoded'})->{body},
            'x=9;', '  and nothing of the query before';
        is get(in($mode, '/params.cgi'))->{body}, '', '  nor of the POST';
    }
    skip 'CGI::Fast is not installed', 1 unless eval { require CGI::Fast };
    for my $mode (qw(registry run fork)) {
        like get(in($mode, "/fast.cgi?a=$_"))->{body}, qr/\Around (?:a=)?$_;out\z/, "$mode: a CGI::Fast loop goes round once ($_)" for 1 .. 3;
    }
}

subtest 'request bodies' => sub {
    for my $size (0, 1, 70_000, 1024 * 1024, 3 * 1024 * 1024 + 17) {
        my $body = join '', map { chr(65 + $_ % 26) } 1 .. $size;
        for my $mode (@all) {
            my $got = get(in($mode, '/post.cgi'), method => 'POST', body => $body)->{body};
            is $got, "$size " . md5_hex($body) . ' ' . ($size || 'none'), "$mode: $size bytes";
        }
        next if !$size;
        is get("/$_/childpost.cgi", method => 'POST', body => $body)->{body}, md5_hex($body) . "  -\n", "$_: for a program that it becomes" for qw(fork exec);
        like get('/exec/shell', method => 'POST', body => $body)->{body}, qr/: \Q@{[substr $body, 0, 50]}\E/, 'exec: for a shell script';
    }
};

subtest 'processes of their own' => sub {
    for my $path ('/fork/signals.cgi', '/exec/signals.cgi', '/exec/signals.sh') {
        my %set = get($path)->{body} =~ /^Sig(\w+):\s+(\w+)$/mg;
        like $set{Blk}, qr/\A0+\z/, "$path: no signal is blocked";
        my $perls_own = $path =~ /cgi/ ? 1 << 7 : 0; # every Perl ignores SIGFPE
        is hex($set{Ign}) & ~$perls_own, 0, '  none is ignored' or diag $set{Ign};
        next if $path =~ /sh$/; # a shell catches some for itself
        my $sanitizers = Mpsup::Test::build_dir() =~ m{(?:asan|tsan)$} ? 1 << 6 | 1 << 7 | 1 << 10 : 0; # SIGBUS, SIGFPE, SIGSEGV
        is hex($set{Cgt}) & ~(1 << 31 | $sanitizers), 0, '  none is caught' or diag $set{Cgt};
    }
    for my $mode (qw(fork exec)) {
        my @fds = split /\n/, get("/$mode/fds.cgi")->{body};
        is join(' ', map { /\A(\d+)/ } sort @fds), '0 1 2', "$mode: descriptors" or diag join "\n", @fds;
    }
    is get("/$_/posix_exit.cgi")->{body}, 'flushed ', "$_: POSIX::_exit flushes nothing" for qw(fork exec);
    is get('/fork/term.cgi')->{status}, 500, 'fork: SIGTERM ends it';
    like log_text(), qr{fork/term\.cgi: no header .*ended by signal 15}, '  and is told';
    is get('/exec/shell', method => 'POST', body => 'a body')->{body}, "$dir/cgi/exec/shell in $dir/cgi/exec: a body", 'exec: a shell script';
    is get('/shell')->{body}, 'a shell', 'what is no Perl runs in mode exec by itself';
    is get('/exec/broken')->{status}, 500, 'exec: what cannot be run';
    like log_text(), qr{cannot run \Q$dir\E/cgi/exec/broken: No such file}, '  is told';
    is get('/exec/code')->{status}, 500, 'exec: nothing printed';
    like log_text(), qr{exec/code: no header in what the script printed, ended with code 5}, '  is told with its code';
};

subtest 'paths' => sub {
    my %status = ('/' => 404, '/none.cgi' => 404, '/no-index' => 301, '/no-index/' => 404, '/plain.txt' => 403, '/.hidden.cgi' => 404,
        '/.git/config.cgi' => 404, '/bin/ls' => 404, '/../../etc/passwd' => 404, '/run/%2e%2e/hello.cgi' => 404, '/run/..%2fhello.cgi' => 404,
        '/%2e%2e/site.yaml' => 404, '/hello.cgi%00' => 400, '/hello.cgi/../x' => 404, '//hello.cgi' => 404, '/run' => 301);
    for my $path (sort keys %status) {
        my $got = get($path)->{status};
        ok $got == $status{$path} || ($got == 400 && $path =~ /%00|\.\.|%2e/), "$path: $status{$path}" or diag $got;
    }
    is get('/no-index')->{headers}{location}, '/no-index/', 'a folder wants its slash';
};

subtest 'what does not compile' => sub {
    is get('/run/bad.cgi')->{status}, 500, 'perlrun: 500';
    like log_text(), qr{run/bad\.cgi: does not compile: Global symbol "\$nothing".* at \Q$dir\E/cgi/run/bad\.cgi line 3}, '  and the log says why';
    is get('/hello.cgi')->{status}, 200, '  and the rest serves';
    script('bad.cgi', "#!/usr/bin/perl\nuse strict;\nprint \$nothing;\n");
    my ($code, $out, $err) = $site->mpsup('restart', 'app');
    is $code, 6, 'registry: a generation with such a script is refused';
    like "$out$err", qr{bad\.cgi does not compile: Global symbol "\$nothing".* line 3}, '  with the reason';
    is get('/hello.cgi')->{status}, 200, '  and the old one serves on';
    unlink "$dir/cgi/bad.cgi";
};

subtest 'scripts that hang' => sub {
    $site->must('up', topology(request_timeout => '{soft: 300ms, hard: 20s}'));
    for my $mode (qw(fork exec run registry)) {
        unlink "$dir/hung";
        my $reply = get(in($mode, '/hang.cgi'));
        is $reply->{status}, 503, "$mode: the soft limit ends the request";
        my $pid = read_file("$dir/hung");
        wait_until(10, "$mode: the process is gone", sub { !kill 0, $pid }) if $mode =~ /fork|exec/;
        is get('/hello.cgi')->{status}, 200, '  and others are served';
    }
    $site->must('up', topology(request_timeout => '{hard: 400ms}'));
    for my $mode (qw(fork exec run registry)) {
        unlink "$dir/hung";
        my ($before) = $site->pids('app', 'child');
        ok !eval { get(in($mode, '/hang.cgi'))->{status} }, "$mode: the hard limit ends the child";
        my $pid = read_file("$dir/hung");
        ok eval { wait_until(10, 'gone', sub { !kill 0, $pid }) }, '  and the process of the script' or kill 'KILL', $pid;
        wait_until(10, 'a successor', sub { my ($now) = $site->pids('app', 'child'); $now && $now != $before });
    }
};

# A client that goes round the modes until told to stop; the code it ends with says how many replies were not its own.
sub start_client {
    my ($number, $stop) = @_;
    my $pid = fork // die;
    return $pid if $pid;
    my ($n, $wrong) = (0, 0);
    until (-e $stop) {
        my ($mode, $token) = ($all[++$n % 4], "client$number-$n");
        my $body = 'b' x ($n % 15 == 0 ? 1_500_000 : $n % 7 * 500);
        my $reply = eval { get(in($mode, "/echo.cgi?$token"), method => 'POST', body => $body) };
        next if $reply and $reply->{body} eq "$token " . length($body) . " $token\n$body";
        ++$wrong;
        diag "$mode $token: ", $reply ? "$reply->{status} " . substr $reply->{body}, 0, 80 : "no reply: $@";
    }
    POSIX::_exit($wrong > 100 ? 100 : $wrong);
}

subtest 'many at once, while children and generations come and go' => sub {
    perl_script('echo.cgi', "local \$/; my \$b = <STDIN> // ''; print qq{$text\$ENV{QUERY_STRING} }, length \$b, ' '; system qq{echo \$ENV{QUERY_STRING}}; print \$b;", @all);
    $site->must('up', topology(pool => 3, recycle => '{requests: 30, jitter: 50%}', refork => '{after: 20}'));
    my $crashed = $site->worker('app')->{restarts}{crash};
    my $stop = "$dir/stop";
    my @clients = map { start_client($_, $stop) } 1 .. 4;
    $site->must('restart', 'app') for 1 .. 2;
    wait_until(30, 'a child that has become a master', sub { grep { $_->{event} eq 'promoted' } $site->events });
    write_file($stop, '');
    for my $pid (@clients) {
        waitpid $pid, 0;
        is $? >> 8, 0, 'every reply is the one to its own request';
    }
    is $site->worker('app')->{restarts}{crash}, $crashed, 'and no child has crashed';
};

subtest 'a file changes' => sub {
    $site->must('up', topology());
    my $changed = "#!/usr/bin/perl\nprint qq{${text}changed};\n";
    script('hello.cgi', $changed);
    my $event = wait_until(5, 'code_drift', sub { (grep { $_->{event} eq 'code_drift' } $site->events)[-1] });
    like $event->{reason}, qr{\Q$dir\E/cgi/hello\.cgi; `mpsup restart app` loads}, 'an event names it, and what to do';
    like get('/hello.cgi')->{body}, qr/\Ahello/, 'children have what was compiled';
    $site->must('restart', 'app');
    is get('/hello.cgi')->{body}, 'changed', 'a restart brings it';
    $site->must('up', topology(mode => 'development'));
    script('hello.cgi', "#!/usr/bin/perl\nprint qq{${text}changed again};\n");
    is get('/hello.cgi')->{body}, 'changed again', 'development: children compile it themselves';
    script('hello.cgi', "#!/usr/bin/perl\nprint qq{${text}broken;\n");
    is get('/hello.cgi')->{status}, 500, '  what does not compile is answered with 500';
    like log_text(), qr{hello\.cgi does not compile}, '  and told';
    script('hello.cgi', $changed);
    is get('/hello.cgi')->{body}, 'changed', '  and repaired';
    script('new.cgi', "#!/usr/bin/perl\nprint qq{${text}new};\n");
    is get('/new.cgi')->{body}, 'new', '  a new one is found';
};

subtest 'beside the pages of an application' => sub {
    mkdir "$dir/beside" or die;
    write_file("$dir/beside/$_", "#!/usr/bin/perl\nour \$n++; print qq{${text}\$ENV{SCRIPT_NAME} \$n};\n") && chmod 0755, "$dir/beside/$_"
        for qw(kept.cgi each.cgi);
    $site->write('app.psgi', <<"PERL");
use Mpsup::Registry;
use Plack::Builder;
my \$scripts = Mpsup::Registry->new(dir => '$dir/beside', modes => {'each.cgi' => 'fork'});
builder { mount '/cgi' => \$scripts->to_app; mount '/' => sub { [200, [], ['page']] } };
PERL
    $site->must('up', $site->topology(qq{  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 1}\n}));
    is get('/x')->{body}, 'page', 'a page';
    is join(', ', map { get("/cgi/$_.cgi")->{body} } qw(kept kept each each)), '/cgi/kept.cgi 1, /cgi/kept.cgi 2, /cgi/each.cgi 1, /cgi/each.cgi 1',
        'scripts, in their modes';
    is get('/cgi/none.cgi')->{status}, 404, 'and none';
    write_file("$dir/beside/kept.cgi", "#!/usr/bin/perl\nprint qq{${text}other};\n");
    my $event = wait_until(10, 'code_drift', sub { (grep { $_->{event} eq 'code_drift' && $_->{reason} =~ /kept/ } $site->events)[-1] });
    ok $event, 'one that changes is told';
};

done_testing;
