# The other modes: compiled anew each time, a process for each request, and any program.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Folder qw(folder app ask post errors captured);
use Cwd qw(getcwd);
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(time);
use Test::More;

my $text = "Content-Type: text/plain\\n\\n";
my $fresh = "#!/usr/bin/perl\nmy \$lexical = 0; our \$global; my %h; sub add { \$lexical++; \$global++; \$h{add}++ } add(); print qq{$text\$lexical \$global \$h{add} }, scalar keys %h;\n";
my $object = "#!/usr/bin/perl\npackage Noisy { sub new { bless [\$_[1]] } sub DESTROY { print \"\$_[0][0] \" } } our \$g = Noisy->new('global'); my \$l = Noisy->new('lexical'); print qq{$text}; END { print 'end ' } exit 0;";
my $dir = folder(
    'fresh.cgi' => $fresh, 'object.cgi' => $object,
    'run/fresh.cgi' => $fresh, 'run/object.cgi' => $object,
    'run/hello.cgi' => "#!/usr/bin/perl\nprint qq{${text}hello \$0\\n};\n",
    'run/end.cgi' => "#!/usr/bin/perl\nprint qq{${text}}; END { print 'ended' } print <DATA>; exit 1;\n__DATA__\ndata\n",
    'run/broken.cgi' => "#!/usr/bin/perl\nuse strict;\nprint \$nothing;\n",
    'hello.cgi' => "#!/usr/bin/perl\nprint qq{${text}hello \$\$ \$0 }, rand, qq{\\n};\n",
    'code.cgi' => "#!/usr/bin/perl\nprint qq{${text}x}; eval { exit 3 }; print 'not here';",
    'endcode.cgi' => "#!/usr/bin/perl\nprint qq{${text}x}; END { print qq{ \$?}; \$? = 4 } exit 3;",
    'signal.cgi' => "#!/usr/bin/perl\n\$| = 1; print qq{${text}x}; kill 'TERM', \$\$; sleep 5;",
    'die.cgi' => "#!/usr/bin/perl\ndie 'too early';",
    'fork.cgi' => "#!/usr/bin/perl\nprint qq{$text}; END { print qq{end\\n} } my \$pid = fork; if (!\$pid) { print qq{child\\n}; exit 7 } waitpid \$pid, 0; print 'parent ', \$? >> 8, qq{\\n};",
    'big.cgi' => "#!/usr/bin/perl\nprint qq{$text}; print 'x' x 65536 for 1 .. 320;",
    'slow.cgi' => "#!/usr/bin/perl\nprint qq{$text}; \$| = 1; for (1 .. 50) { print 'x' x 100; select undef, undef, undef, 0.1 }",
    'stubborn.cgi' => "#!/usr/bin/perl\n\$SIG{TERM} = \$SIG{PIPE} = 'IGNORE'; \$| = 1; print qq{$text}; while (1) { print 'x' x 100; select undef, undef, undef, 0.05 }",
    'post.cgi' => "#!/usr/bin/perl\nprint qq{$text}, <STDIN>; system 'echo', 'more'; print \$ENV{QUERY_STRING}, ' ', \$SIG{PIPE} // 'default';",
    'background.cgi' => "#!/usr/bin/perl\n\$| = 1; print qq{${text}done}; fork or do { sleep 5; exit };",
    'closed.cgi' => "#!/usr/bin/perl\nprint qq{${text}done}; close STDOUT; close STDERR; open my \$f, '>', 'after'; sleep 1; print {\$f} 'after'; close \$f;",
    'descriptors.cgi' => "#!/usr/bin/perl\nprint qq{$text}, join ' ', map { readlink } grep { !m{/[012]\\z} } glob '/proc/self/fd/*';",
    'pipe.cgi' => "#!/usr/bin/perl\nprint qq{$text}; open my \$to, '|-', 'cat' or die; print {\$to} 'to cat '; close \$to; open my \$from, '-|', 'echo from echo' or die; print <\$from>;",
    'carp.cgi' => "#!/usr/bin/perl\nuse CGI::Carp 'fatalsToBrowser'; die 'for all to see';",
    'tools/shell' => "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello from %s in %s\\n' \"\$0\" \"\$PWD\"; cat",
    'tools/env' => "#!/bin/sh\necho Content-Type: text/plain; echo; env",
    'tools/perl.cgi' => "#!/usr/bin/perl\nprint qq{${text}\$0 }, __PACKAGE__;",
    'tools/deadlock' => "#!/usr/bin/perl\nprint qq{$text}, 'o' x 1_000_000; my \$in = join '', <STDIN>; print length \$in;",
    'tools/nothing' => "#!/nonexistent/program\n",
    'tools/code' => "#!/bin/sh\nexit 5\n",
    'switch.cgi' => "#!/usr/bin/perl -l\nprint 'Content-Type: text/plain'; print ''; print 'one'; print 'two';",
    'subdir/shell' => "#!/bin/sh\necho Content-Type: text/plain; echo; pwd; echo \$SCRIPT_NAME \$PATH_INFO",
);
my %modes = ('run/*' => 'perlrun', 'tools/*' => 'exec');
my $app;
my $said = captured { $app = app(dir => $dir, mode => 'fork', modes => \%modes) };
like $said, qr/\Ampsup: switch.cgi: .* perl -l: it runs in mode exec\n\z/, 'a switch that a sub cannot have';
sub body { my ($url, @more) = @_; my $reply = ask($app, $url, @more); return "$reply->{status} $reply->{body}" }
my $cwd = getcwd();

# perlrun
is body('/run/hello.cgi'), "200 hello $dir/run/hello.cgi\n", 'perlrun: hello';
is body('/run/fresh.cgi'), '200 1 1 1 1', 'perlrun: all variables are fresh' for 1 .. 3;
is body('/run/end.cgi'), "200 data\nended", 'perlrun: DATA, exit, END' for 1 .. 2;
my $count = () = grep { /\A_\d/ } keys %Mpsup::RUN::;
is $count, 0, 'perlrun: no package is left';
errors();
is ask($app, '/run/broken.cgi')->{status}, 500, 'perlrun: what does not compile';
like errors(), qr{run/broken.cgi: does not compile: Global symbol "\$nothing" .* at \Q$dir\E/run/broken.cgi line 3}, '  is told';
is getcwd(), $cwd, '  and the working directory is as it was';

# fork
is body('/fresh.cgi'), '200 1 1 1 1', 'fork: all variables are fresh' for 1 .. 3;
my @hello = map { body('/hello.cgi') } 1, 2;
like $hello[0], qr{\A200 hello \d+ \Q$dir\E/hello.cgi 0\.}, 'fork: hello';
isnt +($hello[0] =~ /(\d+) /)[0], $$, '  in a process of its own';
isnt $hello[0] =~ s/.* //r, $hello[1] =~ s/.* //r, '  with chance of its own';
is body('/object.cgi'), '200 lexical end global ', 'fork: objects are destroyed';
errors();
is body('/code.cgi'), '200 x', 'fork: exit leaves evals';
like errors(), qr/code.cgi: ended with code 3/, '  and its code is the real one';
is body('/endcode.cgi'), '200 x 3', 'fork: END sees the code';
like errors(), qr/ended with code 4/, '  and may change it';
is body('/signal.cgi'), '200 x', 'fork: a signal';
like errors(), qr/ended by signal 15/, '  is told, and has its default action';
{
    my $told = captured { is ask($app, '/die.cgi')->{status}, 500, 'fork: die before the header' };
    like $told, qr/too early at \S+die.cgi line 2/, '  tells on STDERR';
    like errors(), qr/die.cgi: no header in what the script printed, ended with code/, '  and in the log';
    captured { like body('/carp.cgi'), qr/\A500 .*for all to see/s, 'fork: fatalsToBrowser' };
}
is body('/fork.cgi'), "200 child\nend\nparent 7\nend\n", 'fork: a script that forks';
{
    my $reply = ask($app, '/big.cgi');
    is length $reply->{body}, 320 * 65536, 'fork: 20 MB';
    cmp_ok $reply->{pieces}, '>', 100, '  in pieces';
    ok $reply->{closed}, '  to the end';
}
{
    my $start = time;
    is length(ask($app, '/slow.cgi', give_up_after => 2)->{body}), 200, 'fork: the client goes away';
    cmp_ok time - $start, '<', 2, '  and the script is ended';
    local $Mpsup::Registry::Program::GRACE = 0.3;
    $start = time;
    ask($app, '/stubborn.cgi', give_up_after => 2);
    cmp_ok time - $start, '<', 2, '  also one that will not';
}
local $SIG{PIPE} = 'IGNORE';
is post($app, '/post.cgi?q=1', "body\n")->{body}, "body\nmore\nq=1 default", 'fork: a body, a program that is run, %ENV, SIGPIPE';
{
    local $Mpsup::Registry::Program::SILENCE = 1;
    my $start = time;
    is body('/background.cgi'), '200 done', 'fork: somebody else holds the output open';
    cmp_ok time - $start, '<', 4, '  and is not waited for for ever';
}
is body('/closed.cgi'), '200 done', 'fork: STDOUT closed early';
is -s "$dir/after", 5, '  leaves time for the rest';
{
    open my $server, '<', '/etc/passwd' or die;
    unlike body('/descriptors.cgi'), qr/socket|epoll/, 'fork: descriptors';
    is body('/pipe.cgi'), "200 to cat from echo\n", 'fork: pipes to others';
}

# exec
my $shell = post($app, '/tools/shell/extra', 'a body');
is $shell->{body}, "hello from $dir/tools/shell in $dir/tools\na body", 'exec: a shell script' or diag errors();
is body('/tools/perl.cgi'), "200 $dir/tools/perl.cgi main", 'exec: a Perl script';
is body('/switch.cgi'), "200 one\ntwo\n", 'exec: perl -l';
my $env = body('/tools/env/a%20b?q', HTTP_PROXY => 'http://evil/', HTTP_X_ODD => 'x');
like $env, qr/^$_$/m, "exec: $_" for 'GATEWAY_INTERFACE=CGI/1\.1', 'PATH_INFO=/a b', 'SCRIPT_NAME=/tools/env', 'QUERY_STRING=q', 'HTTP_X_ODD=x', 'SERVER_PROTOCOL=HTTP/1\.1';
unlike $env, qr/^HTTP_PROXY|MOD_PERL/m, 'exec: no HTTP_PROXY';
my $million = 'i' x 1_000_000;
for my $kind ('memory', 'file') {
    is length(post($app, '/tools/deadlock', $million, input => $kind)->{body}), 1_000_007, "exec: 1 MB each way, body in $kind";
}
errors();
captured { is ask($app, '/tools/nothing')->{status}, 500, 'exec: what cannot be run' };
is ask($app, '/tools/code')->{status}, 500, 'exec: nothing printed';
like errors(), qr{tools/code: no header in what the script printed, ended with code 5}, '  is told with its code';
is body('/subdir/shell/more'), "200 $dir/subdir\n/subdir/shell /more\n", 'what is no Perl is run in mode exec by itself';

is waitpid(-1, 1), -1, 'no process is left';
my $unasked = $app->({PATH_INFO => '/slow.cgi', REQUEST_METHOD => 'GET', 'psgi.errors' => \*STDERR});
undef $unasked;
is waitpid(-1, 1), -1, 'nor one whose output nobody wanted';
done_testing;
