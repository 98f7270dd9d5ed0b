# What happens when scripts are compiled: errors, variables that would not stay shared, changes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Folder qw(folder app ask errors captured);
use Cwd qw(getcwd);
use Test::More;

my $text = "Content-Type: text/plain\\n\\n";
my $cwd = getcwd();

for my $case (
    ['syntax', "#!/usr/bin/perl\nprint 1;\nmy \$x = ;\n", qr/syntax error at \S+bad.cgi line 3/],
    ['strict', "#!/usr/bin/perl\nuse strict;\n\n\$x = 1;\n", qr/Global symbol "\$x".* at \S+bad.cgi line 4/],
    ['brace', "#!/usr/bin/perl\nif (1) {\n", qr/bad.cgi/],
    ['module', "#!/usr/bin/perl\nuse Does::Not::Exist;\n", qr/Can't locate Does.Not.Exist.pm .* at \S+bad.cgi line 2/s],
    ['exit', "#!/usr/bin/perl\nBEGIN { exit }\n", qr/bad.cgi/],
) {
    my ($name, $script, $message) = @$case;
    for my $mode (qw(registry fork)) {
        ok !eval { app(dir => folder('sub/bad.cgi' => $script), mode => $mode) }, "$name, $mode: new dies";
        like $@, qr/\Asub.bad.cgi does not compile: .*$message/s, '  with script and line';
    }
}
is getcwd(), $cwd, 'the working directory is as it was';
ok !eval { app(dir => '/nonexistent/folder') }, 'no folder';
ok !eval { app(dir => folder(), mode => 'fast') }, 'no such mode';
like $@, qr/no mode fast/, '  is told';

my %closure = (
    plain   => ["#!/usr/bin/perl\nuse warnings;\nmy \$x = 1;\nsub f {\n  return \$x\n}\nprint qq{${text}}, f();\n", '$x (line 5)'],
    silent  => ["#!/usr/bin/perl\nno warnings;\nmy \@list = (1);\n\nsub f { \$list[0] }\nprint qq{${text}}, f();\n", '@list (line 5)'],
    nothing => ["#!/usr/bin/perl\nmy %h = (a => 1);\nsub f { \$h{a} }\nprint qq{${text}}, f();\n", '%h (line 3)'],
    package => ["#!/usr/bin/perl\nmy \$x = 1;\npackage Other; sub f { \$x }\npackage main; print qq{${text}}, Other::f();\n", '$x (line 3)'],
    nested  => ["#!/usr/bin/perl\nmy \$x = 1; my \$s = sub { sub f { \$x } };\nprint qq{${text}}, f() // '';\n", '$x (line 2)'],
    begin   => ["#!/usr/bin/perl\nmy \$x;\nBEGIN { \$x = 1 }\nprint qq{${text}\$x};\n", '$x (line 3)'],
    end     => ["#!/usr/bin/perl\nmy \$x = 1;\nprint qq{${text}}; END { print \$x }\n", '$x (line 3)'],
    carp    => ["#!/usr/bin/perl\nuse warnings; use CGI::Carp;\nmy \$x = 1; sub f { \$x } print qq{${text}}, f();\n", '$x (line 3)'],
    fatal   => ["#!/usr/bin/perl\nuse warnings FATAL => 'all';\nmy \$x = 1; sub f { \$x } print qq{${text}}, f();\n", '$x (line 3)'],
    handler => ["#!/usr/bin/perl\nmy \$x = 1; sub handler { \$x } print qq{${text}}, handler();\n", '$x (line 2)'],
);
for my $name (sort keys %closure) {
    my ($script, $told) = @{ $closure{$name} };
    my $dir = folder('s.cgi' => $script);
    my $app;
    my $said = captured { $app = app(dir => $dir) };
    is $said, "mpsup: s.cgi: named subroutines use the file's variable $told: it runs in mode fork\n", "closure, $name: told";
    is ask($app, '/s.cgi')->{body}, '1', '  and right each time' for 1 .. 2;
    my $explicit = app(dir => $dir, modes => {'s.cgi' => 'registry'});
    ok eval { fileno ask($explicit, '/s.cgi')->{raw} }, '  unless it is told to run in mode registry' if $name ne 'nested';
}
my %no_closure = (
    our    => "our \$x = 1; sub f { \$x } print qq{${text}}, f();",
    state  => "use feature 'state'; state \$x = 1; sub f { \$x } print qq{${text}}, f();",
    own    => "sub f { my \$x = 1; \$x } print qq{${text}}, f();",
    anon   => "my \$x = 1; my \$f = sub { \$x }; print qq{${text}}, \$f->();",
    block  => "use CGI (); use POSIX; use constant A => 1; sub f { A } print qq{${text}}, f();",
    lexsub => "use v5.36; my \$x = 1; my sub f { \$x } print qq{${text}}, f();",
);
for my $name (sort keys %no_closure) {
    my $app;
    is captured { $app = app(dir => folder('s.cgi' => "#!/usr/bin/perl\n$no_closure{$name}\n")) }, '', "no closure, $name";
    ok fileno ask($app, '/s.cgi')->{raw}, '  runs in this process';
}
like captured { app(dir => folder('w.cgi' => "#!/usr/bin/perl -w\nmy \$x; my \$x; print 1;")) }, qr/"my" variable \$x masks/, 'other warnings are still there';

# files, and development
my $dir = folder('a.cgi' => "#!/usr/bin/perl\nrequire './lib.pl'; BEGIN { require './begin.pl' } print qq{${text}one};", 'lib.pl' => '1;', 'begin.pl' => '1;', 'b' => "#!/bin/sh\n");
my $registry = Mpsup::Registry->new(dir => $dir);
is_deeply [$registry->files], ["$dir/a.cgi", "$dir/begin.pl"], 'files';
my ($fixed, $app) = map { app(dir => $dir, development => $_) } 0, 1;
is ask($app, '/a.cgi')->{body}, 'one', 'development: before';
Folder::put("$dir/a.cgi", "#!/usr/bin/perl\nprint qq{${text}second};");
is ask($fixed, '/a.cgi')->{body}, 'one', 'a change is not seen';
is ask($app, '/a.cgi')->{body}, 'second', '  but in development';
Folder::put("$dir/a.cgi", "#!/usr/bin/perl\nmy \$x = ;");
errors();
is ask($app, '/a.cgi')->{status}, 500, '  a change that does not compile' for 1 .. 2;
like errors(), qr/a.cgi does not compile: .*line 2/, '  is told';
Folder::put("$dir/a.cgi", "#!/usr/bin/perl\nmy \$x = 'closed'; sub f { \$x } print qq{${text}}, f();");
like captured { is ask($app, '/a.cgi')->{body}, 'closed', '  repaired' }, qr/mode fork/, '  and in another mode';
Folder::put("$dir/new/c.cgi", "#!/usr/bin/perl\nprint qq{${text}new};");
is ask($app, '/new/c.cgi')->{body}, 'new', '  a new script';
is ask($fixed, '/new/c.cgi')->{status}, 404, '  is for development only';
unlink "$dir/new/c.cgi";
is ask($app, '/new/c.cgi')->{status}, 404, '  one that is gone';
is getcwd(), $cwd, 'the working directory is as it was';
done_testing;
