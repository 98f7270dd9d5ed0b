# Which program a path means, what is never served, and what a program's head becomes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Folder qw(folder app ask post errors captured);
use Test::More;

my $text = "Content-Type: text/plain\\n\\n";
sub echo { return "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s|%s' \"\$SCRIPT_NAME\" \"\$PATH_INFO\"" }
sub prints { my ($head) = @_; return "#!/usr/bin/perl\nprint qq{$head};\n" }
my $dir = folder(
    'index.cgi' => prints("${text}top"),
    'a.cgi' => "#!/usr/bin/perl\nprint qq{$text\$ENV{SCRIPT_NAME}|\$ENV{PATH_INFO}|\$ENV{QUERY_STRING}|\$ENV{REQUEST_METHOD}|}, \$ENV{CONTENT_LENGTH} // 'none';",
    'dir/index.pl' => prints("${text}in dir"),
    'dir/a.cgi' => echo(),
    'dir/deep/er/a' => echo(),
    'no index/x' => echo(),
    'lib.pl' => "die 'secret';\n",
    '.hidden.cgi' => prints("${text}hidden"),
    '.git/x.cgi' => prints("${text}hidden"),
    'status.cgi' => prints("Status: 404 Not here\\nContent-Type: text/plain\\n\\ngone"),
    'crlf.cgi' => prints("Content-Type: text/plain\\r\\nX-A: b\\r\\n\\r\\nbody\\r\\n"),
    'cookies.cgi' => prints("Set-Cookie: a=1\\nSet-Cookie: b=2\\nContent-type: text/plain\\n\\nx"),
    'folded.cgi' => prints("Content-Type: text/plain\\nX-Long: one\\n  two\\n\\nx"),
    'away.cgi' => prints("Location: http://elsewhere.example/x\\n\\n"),
    'away301.cgi' => prints("Status: 301 Moved\\nLocation: /a.cgi\\n\\n"),
    'near.cgi' => prints("Set-Cookie: c=3\\nLocation: /a.cgi/in%20fo?q=1\\n\\n"),
    'static.cgi' => prints("Location: /thanks.html\\n\\n"),
    'protocol.cgi' => prints("Location: //evil.example/\\n\\n"),
    'round.cgi' => prints("Location: /round.cgi\\n\\n"),
    'forknear.cgi' => prints("Location: /a.cgi\\n\\n"),
    'nph-whole.cgi' => prints("HTTP/1.1 206 Partial\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\nX-A: b\\r\\n\\r\\nraw"),
    'none.cgi' => prints('hello without a header'),
    'empty.cgi' => "#!/usr/bin/perl\n1;\n",
    'blank.cgi' => prints("\\nbody"),
    'early.cgi' => prints("Content-Type: text/plain\\n"),
    'malformed.cgi' => prints("Content-Type: text/plain\\nno colon here\\n\\nx"),
    'badstatus.cgi' => prints("Status: fine\\n\\nx"),
    'notype.cgi' => prints("X-A: b\\n\\nx"),
    'long.cgi' => prints("X-A: \@{['x' x 70000]}\\n\\nx"),
    'fits.cgi' => prints("Content-Type: text/plain\\nX-A: \@{['x' x 60000]}\\n\\nx"),
    '304.cgi' => prints("Status: 304\\nContent-Type: text/plain\\n\\n"),
    'newline.cgi' => prints("${text}\\n\\nbody after empty lines"),
);
symlink "$dir/a.cgi", "$dir/link.cgi" or die;
symlink '/usr', "$dir/usr" or die;
my $app = app(dir => $dir, modes => {'forknear.cgi' => 'fork'});
sub body { my ($url, @more) = @_; my $reply = ask($app, $url, @more); return "$reply->{status} $reply->{body}" }
sub is_500 { my ($path, $why) = @_; errors(); is ask($app, $path)->{status}, 500, "$path: 500"; like errors(), qr{\Ampsup: /?\Q@{[substr $path, 1]}\E: $why}, '  and why' }

is body('/'), '200 top', 'index.cgi';
is body('/dir/'), '200 in dir', 'index.pl';
is body('/a.cgi'), '200 /a.cgi|||GET|none', 'no PATH_INFO';
is body('/a.cgi/one//two/.x?q'), '200 /a.cgi|/one//two/.x|q|GET|none', 'PATH_INFO';
is body('/a.cgi/', SCRIPT_NAME => '/mount'), '200 /mount/a.cgi|/||GET|none', 'below a mount';
is body('/dir/a.cgi/x'), '200 /dir/a.cgi|/x', 'in a folder';
is body('/dir/deep/er/a/x'), '200 /dir/deep/er/a|/x', 'deeper';
is body('/link.cgi'), '200 /link.cgi|||GET|none', 'a link to a file';
is ask(app(dir => "$dir/no index"), '/')->{status}, 404, 'a folder without an index';
my $moved = ask($app, '/dir?x=1', SCRIPT_NAME => '/m');
is "$moved->{status} $moved->{head}{location}", '301 /m/dir/?x=1', 'a folder without slash';
is ask($app, '/no%20index')->{head}{location}, '/no%20index/', '  with a blank';
is ask($app, '', SCRIPT_NAME => '/m')->{head}{location}, '/m/', '  the mount itself';
is ask($app, $_->[1])->{status}, $_->[0], "$_->[0] for $_->[1]" for
    [404, '/nothing'], [404, '/nothing.cgi/x'], [404, '/no%20index/'], [403, '/lib.pl'], [404, '/.hidden.cgi'], [404, '/.git/x.cgi'],
    [404, '/dir/../a.cgi'], [404, '/a.cgi/../x'], [404, '/..'], [404, '/./a.cgi'], [404, '/../' . ($dir =~ s{.*/}{}r) . '/a.cgi'],
    [404, '/usr/bin/env'], [404, '/usr/share/common-licenses/GPL-3'], [404, '/usr/'], [404, '/a.cgi%00'], [404, '/lib.pl%00'], [404, '//a.cgi'],
    [404, '//evil.example/..'], [404, '//dir'], [404, '/' . 'x/' x 5000];
unlike ask($app, '/lib.pl')->{body}, qr/secret/, 'no source is shown';

my $reply = ask($app, '/status.cgi');
is "$reply->{status} $reply->{body}", '404 gone', 'Status';
ok !exists $reply->{head}{status}, '  is no field';
is_deeply ask($app, '/crlf.cgi')->{headers}, ['Content-Type' => 'text/plain', 'X-A' => 'b'], 'CRLF';
is body('/crlf.cgi'), "200 body\r\n", '  in the body stays';
is_deeply ask($app, '/cookies.cgi')->{headers}, ['Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2', 'Content-type' => 'text/plain'], 'Set-Cookie twice';
is ask($app, '/folded.cgi')->{head}{'x-long'}, 'one two', 'a folded field';
is ask($app, '/away.cgi')->{status}, 302, 'an absolute Location';
is ask($app, '/away.cgi')->{head}{location}, 'http://elsewhere.example/x', '  is the client\'s';
is ask($app, '/away301.cgi')->{status}, 301, 'Status with a local Location is the client\'s too';
$reply = post($app, '/near.cgi', 'body');
is $reply->{body}, '/a.cgi|/in fo|q=1|GET|none', 'a local Location';
is $reply->{head}{'set-cookie'}, 'c=3', '  does not lose cookies';
is body('/forknear.cgi'), '200 /a.cgi|||GET|none', '  from a process';
is ask($app, '/near.cgi', SCRIPT_NAME => '/m')->{status}, 302, '  outside of the mount is the client\'s';
is ask($app, '/static.cgi')->{head}{location}, '/thanks.html', '  and what we do not have';
is ask($app, '/protocol.cgi')->{status}, 302, '  and another host';
is_500 '/round.cgi', 'more than 5 local redirects';
$reply = ask($app, '/nph-whole.cgi');
is "$reply->{status} $reply->{body}", '206 raw', 'nph-';
is_deeply $reply->{headers}, ['Content-Type' => 'text/plain', 'X-A' => 'b'], '  its fields';
is_500 "/$_.cgi", 'no header in what the script printed' for qw(none empty early notype blank long);
is_500 '/malformed.cgi', 'malformed header line "no colon here"';
is_500 '/badstatus.cgi', 'malformed Status: fine';
is length ask($app, '/fits.cgi')->{head}{'x-a'}, 60_000, 'a long head';
is_deeply ask($app, '/304.cgi')->{headers}, [], '304 has no type';
is body('/newline.cgi'), "200 \n\nbody after empty lines", 'empty lines in the body';
done_testing;
