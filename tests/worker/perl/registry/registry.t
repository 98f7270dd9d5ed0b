# Scripts that are compiled once and run in the server's own process.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Folder qw(folder app ask post errors captured);
use Cwd qw(getcwd);
use Test::More;

my $text = "Content-Type: text/plain\\n\\n";
my $dir = folder(
    'hello.cgi' => "#!/usr/bin/perl\nprint qq{${text}hello\\n};\n",
    'noshut.cgi' => "#!/usr/bin/perl -w\nprint qq{${text}\$^W \$0}; # no newline at the end",
    'pod.cgi' => "#!/usr/bin/perl\nprint qq{${text}pod};\n\n=head1 NAME\n\nnever closed",
    'bare.cgi' => "#!/usr/bin/perl\nprint qq{${text}no semicolon}",
    'count.cgi' => "#!/usr/bin/perl\nour \$n++; print qq{$text\$n};",
    'exit.cgi' => "#!/usr/bin/perl\nprint qq{${text}before }; sub leave { exit 3 } leave(); print 'after';",
    'evalexit.cgi' => "#!/usr/bin/perl\nprint qq{${text}before }; eval { eval { exit }; print 'inner' }; print qq{outer \$@};",
    'sortexit.cgi' => "#!/usr/bin/perl\nprint qq{${text}before }; my \@x = sort { exit; 0 } 1, 2; print 'after';",
    'die.cgi' => "#!/usr/bin/perl\nprint qq{${text}before };\ndie 'no luck';",
    'object.cgi' => "#!/usr/bin/perl\nprint qq{${text}before };\ndie { a => 1 };",
    'end.cgi' => "#!/usr/bin/perl\nour \$runs; print qq{$text}; END { print 'last ', ++\$runs } END { print 'first ' } exit;",
    'enddie.cgi' => "#!/usr/bin/perl\nprint qq{$text}; END { print 'ended' } die 'early';",
    'data.cgi' => "#!/usr/bin/perl\nprint qq{$text}; while (<DATA>) { print \"\$.:\$_\" }\n__END__\nline 1\nline 2\n",
    'pkgdata.cgi' => "#!/usr/bin/perl\npackage My::Own; sub all { local \$/; <DATA> }\nprint qq{$text}, all();\n__DATA__\nof a package\n",
    'zero.cgi' => "#!/usr/bin/perl\nprint qq{$text\$0};",
    'cwd.cgi' => "#!/usr/bin/perl\nuse Cwd; print qq{$text}, getcwd(); chdir '/';",
    'sub/deep.cgi' => "#!/usr/bin/perl\nrequire './lib.pl'; print qq{$text}, in_lib(), ' ', __FILE__;",
    'sub/lib.pl' => "sub in_lib { 'sub' } 1;",
    'other/deep.cgi' => "#!/usr/bin/perl\nrequire './lib.pl'; print qq{$text}, in_lib();",
    'other/lib.pl' => "sub in_lib { 'other' } 1;",
    'system.cgi' => "#!/usr/bin/perl\nprint qq{${text}one\\n}; system 'echo two'; print `echo three`; print qq{four\\n}; system 'sh', '-c', 'echo five';",
    'close.cgi' => "#!/usr/bin/perl\nprint qq{${text}closed}; close STDOUT; close STDIN; close STDERR;",
    'reopen.cgi' => "#!/usr/bin/perl\nprint qq{${text}here}; open STDOUT, '>', '/dev/null'; open STDERR, '>&', STDOUT; open STDIN, '<', '/etc/passwd'; print 'there';",
    'stderr.cgi' => "#!/usr/bin/perl\nprint qq{${text}}; \$| = 1; open STDERR, '>&', STDOUT; print STDERR 'to the client';",
    'stdin.cgi' => "#!/usr/bin/perl\nmy \@l = <STDIN>; print qq{$text}, scalar(\@l), qq{ \$. }, join '', \@l; print eof(STDIN) ? ' eof' : '';",
    'childin.cgi' => "#!/usr/bin/perl\nprint qq{$text}; system 'cat';",
    'state.cgi' => <<'S',
#!/usr/bin/perl
print "Content-Type: text/plain\n\n", join('|', $/ eq "\n" ? 'nl' : 'other', $, // 'undef', $\ // 'undef', $|, sprintf('%04o', umask), $" eq ' ' ? 'sp' : 'other', $SIG{ALRM} // 'none', $SIG{__DIE__} ? 'die' : 'none', scalar @ARGV);
$/ = undef; $, = '-'; $\ = "!"; $| = 1; umask 0; $" = '+'; $SIG{ALRM} = sub { print STDERR 'late' }; alarm 100; $SIG{__DIE__} = sub { }; @ARGV = 1; $@ = 'x'; $? = 5; select STDERR; binmode STDOUT, ':utf8'; $SIG{TERM} = 'IGNORE'; $SIG{PIPE} = 'DEFAULT'; $0 = 'changed'; $SIG{CHLD} = 'IGNORE';
S
    'env.cgi' => "#!/usr/bin/perl\nprint qq{$text}, map { qq{\$_=\$ENV{\$_}\\n} } sort keys %ENV; \$ENV{LEFT} = 1; delete \$ENV{PATH};",
    'envchild.cgi' => "#!/usr/bin/perl\nprint qq{$text}; system 'echo \$QUERY_STRING';",
    'envbegin.cgi' => "#!/usr/bin/perl\nBEGIN { \$ENV{FROM_BEGIN} = 'yes' } print qq{$text\$ENV{FROM_BEGIN}};",
    'utf8.cgi' => "#!/usr/bin/perl\nuse utf8; binmode STDOUT, ':utf8'; print qq{$text}, length(qq{\xc3\xa9}), qq{\xc3\xa9};",
    'format.cgi' => "#!/usr/bin/perl\nour \$v = 'value';\nformat STDOUT =\n@<<<<<<|\n\$v\n.\nprint qq{$text}; write;",
    'fork.cgi' => "#!/usr/bin/perl\nprint qq{$text}; my \$pid = fork; if (!\$pid) { print qq{child\\n}; exit 7 } waitpid \$pid, 0; print 'parent ', \$? >> 8;",
    'forkfall.cgi' => "#!/usr/bin/perl\nprint qq{$text}; my \$pid = fork; if (!\$pid) { print qq{child\\n} } else { waitpid \$pid, 0; print 'parent ', \$? }",
    'forkdie.cgi' => "#!/usr/bin/perl\nprint qq{$text}; my \$pid = fork; if (!\$pid) { print qq{child,}; \$! = 0; die qq{of its own\\n} } waitpid \$pid, 0; print 'parent ', \$? >> 8;",
    'forkexit.cgi' => "#!/usr/bin/perl\nuse POSIX (); print qq{$text}; my \$pid = fork; if (!\$pid) { print qq{lost}; POSIX::_exit(3) } waitpid \$pid, 0; print 'parent ', \$? >> 8;",
    'handler.cgi' => "#!/usr/bin/perl\nprint qq{$text}, handler(); sub handler { 'its own' }",
    'strict.cgi' => "#!/usr/bin/perl\nuse v5.36; my sub f (\$x) { \$x + 1 } print qq{$text}, f(2), __PACKAGE__ =~ /hello/ ? 1 : 0;",
    'dup.cgi' => "#!/usr/bin/perl\nprint qq{$text}; open OUT, '>&', STDOUT; print OUT 'through another handle';",
    'carp.cgi' => "#!/usr/bin/perl\nuse CGI::Carp 'fatalsToBrowser'; die 'for all to see';",
    'nocarp.cgi' => "#!/usr/bin/perl\ndie 'for nobody to see';",
    'findbin.cgi' => "#!/usr/bin/perl\nuse FindBin; print qq{$text\$FindBin::Bin};",
    'sub/findbin.cgi' => "#!/usr/bin/perl\nuse FindBin; print qq{$text\$FindBin::Bin};",
    'big.cgi' => "#!/usr/bin/perl\nprint qq{$text}, 'x' x 5_000_000;",
    'fatal.cgi' => "#!/usr/bin/perl\nuse warnings FATAL => 'all'; my \$x = 1; print qq{$text\$x}; sub f { \$x }",
    'local.cgi' => "#!/usr/bin/perl\nprint qq{$text}; select((select(STDOUT), \$| = 1)[0]); print 'x'; \$SIG{__WARN__} = sub { print qq{warned: \@_} }; warn qq{w\\n};",
    "st\xc3\xa4rt.cgi" => "#!/usr/bin/perl\nprint qq{${text}odd name};",
);
local $SIG{TERM} = sub { };
local $SIG{PIPE} = 'IGNORE';
my $app;
{
    local $ENV{HTTP_COOKIE} = 'leak';
    local $ENV{OWN} = 'kept';
    like captured { $app = app(dir => $dir, modes => {'fatal.cgi' => 'registry'}) }, qr/\A\z/, 'nothing is said about good scripts';
}
my $cwd = getcwd();
my $umask = umask;

# The server's descriptors are looked at once in a process.
sub in_child {
    my ($code) = @_;
    my $pid = fork // die $!;
    if (!$pid) { $code->(); POSIX::_exit(0) }
    waitpid $pid, 0;
    return;
}

sub body { my ($url, @more) = @_; my $reply = ask($app, $url, @more); return "$reply->{status} $reply->{body}" }

is body('/hello.cgi'), "200 hello\n", 'hello';
is ask($app, '/hello.cgi')->{head}{'content-type'}, 'text/plain', 'its type';
ok fileno(ask($app, '/hello.cgi')->{raw}) > 2, 'the body is a file';
is body('/noshut.cgi'), "200 1 $dir/noshut.cgi", '-w, $0, no newline at the end';
is body('/pod.cgi'), '200 pod', 'pod to the end';
is body('/bare.cgi'), '200 no semicolon', 'no semicolon at the end';
is body('/count.cgi'), "200 $_", "package variables stay ($_)" for 1 .. 3;
is body('/exit.cgi'), '200 before ', 'exit in a sub ends the request' for 1 .. 2;
is body('/evalexit.cgi'), '200 before ', 'exit leaves evals';
is body('/sortexit.cgi'), '200 before ', 'exit in a sort block';
errors();
is ask($app, '/die.cgi')->{status}, 500, 'die';
like errors(), qr{\Ampsup: die.cgi: no luck at \Q$dir\E/die.cgi line 3\.\n\z}, '  is told with script and line';
is ask($app, '/object.cgi')->{status}, 500, 'die with an object';
is body('/end.cgi'), "200 first last $_", "END blocks run each time ($_)" for 1 .. 3;
is ask($app, '/enddie.cgi')->{status}, 500, 'END after die';
is body('/data.cgi'), "200 1:line 1\n2:line 2\n", 'DATA is there each time' for 1 .. 2;
is body('/pkgdata.cgi'), "200 of a package\n", 'DATA of a package' for 1 .. 2;
is body('/zero.cgi'), "200 $dir/zero.cgi", '$0';
is body('/cwd.cgi'), "200 $dir", 'its folder is the working directory' for 1 .. 2;
is getcwd(), $cwd, '  and after it the old one';
is body('/sub/deep.cgi'), "200 sub $dir/sub/deep.cgi", 'a script in a sub folder, with a file required';
is body('/other/deep.cgi'), '200 other', '  and another file of that name elsewhere';
is body('/sub/deep.cgi'), "200 sub $dir/sub/deep.cgi", '  once more';
is body('/system.cgi'), "200 one\ntwo\nthree\nfour\nfive\n", 'what other programs print is in its place' for 1 .. 2;
is body('/close.cgi'), '200 closed', 'STDIN, STDOUT and STDERR closed' for 1 .. 2;
is body('/hello.cgi'), "200 hello\n", '  is no harm to the next';
is body('/reopen.cgi'), '200 here', 'STDOUT opened elsewhere' for 1 .. 2;
is body('/hello.cgi'), "200 hello\n", '  is no harm to the next';
is body('/stderr.cgi'), '200 to the client', 'STDERR opened to STDOUT';
like captured { print STDERR "back\n" }, qr/back/, '  and back after it';
is body('/hello.cgi'), "200 hello\n", '  and not in the next reply';
for my $kind ('memory', 'file') {
    is post($app, '/stdin.cgi', "a\nb\n", input => $kind)->{body}, "2 2 a\nb\n eof", "a body on STDIN, from $kind" for 1 .. 2;
    is post($app, '/childin.cgi', "for cat", input => $kind)->{body}, 'for cat', '  and for a program that is run';
}
is body('/stdin.cgi'), '200 0 0  eof', 'no body';
my $state = sprintf '200 nl|undef|undef|0|%04o|sp|none|none|0', $umask;
for (1 .. 2) {
    local ($/, $,, $\, $@, $?) = ('#', undef, undef, 'mine', 3);
    my $handle = select;
    is body('/state.cgi'), $state, 'what the script before changed is as it was';
    is "$/ $@ $?", '# mine 3', '  for the server too';
    is select, $handle, '  and the selected handle';
    is umask, $umask, '  and umask';
    is alarm 0, 0, '  and no alarm is left';
    is ref $SIG{TERM}, 'CODE', '  and SIGTERM';
    is $SIG{PIPE}, 'IGNORE', '  and SIGPIPE';
    isnt $SIG{CHLD} // '', 'IGNORE', '  and SIGCHLD';
}
{
    my $pid = open(my $from, '-|') // die $!;
    if (!$pid) {
        $| = 0;
        print 'not written yet, ';
        my $reply = body('/dup.cgi');
        print "got $reply";
        close STDOUT;
        POSIX::_exit(0);
    }
    is join('', <$from>), 'not written yet, got 200 through another handle', 'what the server has in its buffer is not for the client';
    close $from;
}
my $env = body('/env.cgi?a=1', HTTP_PROXY => 'http://evil/', HTTP_X_ODD => 'odd', REMOTE_USER => 'me');
like $env, qr/^$_$/m, $_ for qw(QUERY_STRING=a=1 GATEWAY_INTERFACE=CGI\/1.1 HTTP_X_ODD=odd SCRIPT_NAME=\/env.cgi OWN=kept REMOTE_USER=me REQUEST_METHOD=GET PATH_INFO= PATH=.+);
unlike $env, qr/^(?:HTTP_PROXY|MOD_PERL|psgi|HTTP_COOKIE|LEFT|CONTENT_LENGTH)/m, 'what must not be there';
unlike body('/env.cgi'), qr/LEFT|X_ODD/, '%ENV of one request is not in the next';
ok !exists $ENV{QUERY_STRING}, '  nor in the server';
is body('/envchild.cgi?x'), "200 x\n", 'programs that are run see it';
is body('/envbegin.cgi'), '200 yes', 'what BEGIN put there is there';
is body('/utf8.cgi'), "200 1\xc3\xa9", 'use utf8, and a layer' for 1 .. 2;
is body('/format.cgi'), "200 value  |\n", 'a format' for 1 .. 2;
is body('/fork.cgi'), "200 child\nparent 7", 'fork and exit' for 1 .. 2;
is body('/forkfall.cgi'), "200 child\nparent 0", 'fork, and no exit';
like captured { is body('/forkdie.cgi'), '200 child,parent 255', 'fork and die' }, qr/^of its own$/m, '  is told';
is body('/forkexit.cgi'), '200 parent 3', 'fork and POSIX::_exit, which flushes nothing' for 1 .. 2;
is body('/handler.cgi'), '200 its own', 'a sub that is called handler';
is body('/strict.cgi'), '200 30', 'use v5.36';
is body('/dup.cgi'), '200 through another handle', 'a handle left open' for 1 .. 2;
my $said = captured { in_child(sub { my $reply = ask($app, '/carp.cgi'); print STDERR "$reply->{status} $reply->{body}" }) };
like $said, qr/^for all to see at \S+carp.cgi line 2/m, 'fatalsToBrowser: the error is logged';
like $said, qr/^500 .*<pre>for all to see/ms, '  and shown';
unlike ask($app, '/nocarp.cgi')->{body}, qr/to see/, '  and only by who wants it';
is body('/findbin.cgi'), "200 $dir", 'FindBin';
is body('/sub/findbin.cgi'), "200 $dir/sub", '  of a second script';
is length body('/big.cgi'), 5_000_004, 'big output';
is body('/fatal.cgi'), '200 1', 'closure warnings are not fatal';
is body('/local.cgi'), "200 xwarned: w\n", 'a __WARN__ handler' for 1 .. 2;
is body("/st%C3%A4rt.cgi"), '200 odd name', 'an odd name';
is ask($app, '/hello.cgi')->{body}, "hello\n", 'all is well at the end';
my $open = () = glob '/proc/self/fd/*';
ask($app, $_) for ('/hello.cgi', '/die.cgi', '/fork.cgi', '/close.cgi') x 5;
my $then = () = glob '/proc/self/fd/*';
is $then, $open, 'no descriptor is left open';
is waitpid(-1, 1), -1, 'no process is left';
done_testing;
