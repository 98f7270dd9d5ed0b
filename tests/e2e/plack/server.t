# What PSGI asks of a server itself: kinds of responses, extensions, and that nothing of a request is left for the next.
use strict;
use warnings;
use File::Temp ();
use HTTP::Request::Common qw(GET HEAD POST);
use IO::File;
use Plack::Test;
use Plack::Util;
use Test::More;

my @text = ('Content-Type' => 'text/plain');
my $dir  = File::Temp->newdir;
{ open my $out, '>', "$dir/file" or die; print {$out} map { "line $_\n" } 1 .. 5000; close $out }
my $size = -s "$dir/file";
sub note_that { my ($name) = @_; open my $out, '>>', "$dir/$name" or die; print {$out} "$name\n"; close $out; return }
sub noted     { my ($name) = @_; my $end = time + 10; while (time < $end) { return 1 if -s "$dir/$name"; select undef, undef, undef, 0.01 } return 0 }

{
    package Lines {
        sub new     { my ($class, @lines) = @_; return bless [@lines], $class }
        sub getline { my ($self) = @_; return shift @$self }
        sub close   { main::note_that('closed') }
    }
    package Overloaded { use overload '&{}' => sub { my $self = shift; sub { [200, ['Content-Type' => 'text/plain'], ['called as code']] } }, fallback => 1; sub new { bless {} } }
}

my %page = (
    '/array'    => sub { [200, [@text], ['a', 'b', '', 'c']] },
    '/empty'    => sub { [200, [@text], []] },
    '/204'      => sub { [204, [], []] },
    '/304'      => sub { [304, [ETag => '"a"'], []] },
    '/glob'     => sub { open my $in, '<', "$dir/file" or die; [200, [@text], $in] },
    '/io'       => sub { [200, [@text], IO::File->new("$dir/file", 'r')] },
    '/length'   => sub { [200, [@text, 'Content-Length' => $size], IO::File->new("$dir/file", 'r')] },
    '/scalar'   => sub { open my $in, '<', \"in\nmemory\n" or die; [200, [@text], $in] },
    '/getline'  => sub { [200, [@text], Lines->new("one\n", "two\n")] },
    '/inline'   => sub { my @all = qw(x y z); [200, [@text], Plack::Util::inline_object(getline => sub { shift @all }, close => sub { })] },
    '/delayed'  => sub { sub { $_[0]->([200, [@text], ['later']]) } },
    '/delayed-file' => sub { sub { open my $in, '<', "$dir/file" or die; $_[0]->([200, [@text], $in]) } },
    '/stream'   => sub { sub { my $w = $_[0]->([200, [@text]]); $w->write("part $_\n") for 1 .. 100; $w->close } },
    '/stream-length' => sub { sub { my $w = $_[0]->([200, [@text, 'Content-Length' => 6]]); $w->write($_) for qw(abc def); $w->close } },
    '/stream-empty'  => sub { sub { $_[0]->([200, [@text]])->close } },
    '/die'      => sub { die "no luck\n" },
    '/die-late' => sub { sub { die "no luck later\n" } },
    '/fields'   => sub { [200, [@text, 'X-A' => 1, 'X-A' => 2, 'Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2'], ['x']] },
    '/latin1'   => sub { my $text = "caf\xe9"; utf8::upgrade($text); [200, [@text], [$text]] },
    '/utf8'     => sub { my $text = "\x{263a}"; utf8::encode($text); [200, ['Content-Type' => 'text/plain; charset=utf-8'], [$text]] },
    '/long'     => sub { [200, [@text], ['x' x 2_000_000, 'y' x 1_000_000]] },
    '/separator' => sub { my $now = $/; $/ = \4; [200, [@text], [$now eq "\n" ? 'newline' : 'changed']] },
    '/cleanup'  => sub { my $env = shift; push @{ $env->{'psgix.cleanup.handlers'} // [] }, sub { note_that('cleaned') }; [200, [@text], [$env->{'psgix.cleanup'} ? 'yes' : 'no']] },
    '/io-raw'   => sub { my $env = shift; [200, [@text], [ref $env->{'psgix.io'} ? $env->{'psgix.io'}->can('syswrite') ? 'a socket' : 'something' : 'none']] },
    '/harakiri' => sub { my $env = shift; $env->{'psgix.harakiri.commit'} = 1 if $env->{'psgix.harakiri'}; [200, [@text], ["$$"]] },
    '/env'      => sub { my $env = shift; [200, [@text], [join "\n", map { "$_=" . ($env->{$_} // 'undef') } grep { !ref $env->{$_} } sort keys %$env]] },
    '/local'    => sub { our $seen; local $seen = ($seen // 0) + 1; local $_ = 'x'; [200, [@text], ["$seen"]] },
    '/fork'     => sub { my $pid = open my $in, '-|' // die; if (!$pid) { print 'of a child'; require POSIX; $| = 1; close STDOUT; POSIX::_exit(0) } my $said = join '', <$in>; [200, [@text], [$said]] },
    '/qx'       => sub { my $said = `printf '%s' said`; [200, [@text], ["$said $?"]] },
    '/errors'   => sub { my $env = shift; $env->{'psgi.errors'}->print("to the log\n"); [200, [@text], ['ok']] },
    '/change'   => sub { my $env = shift; $env->{PATH_INFO} = '/changed'; delete $env->{'psgi.input'}; %$env = (); [200, [@text], ['ok']] },
    '/unread'   => sub { [200, [@text], ['not read']] },
);
my $app = sub { my $env = shift; ($page{ $env->{PATH_INFO} } // sub { [404, [@text], ['none']] })->($env) };

test_psgi $app, sub {
    my ($ask) = @_;
    my $file = do { open my $in, '<', "$dir/file" or die; local $/; <$in> };
    my %body = (
        '/array' => 'abc', '/empty' => '', '/glob' => $file, '/io' => $file, '/length' => $file, '/scalar' => "in\nmemory\n",
        '/getline' => "one\ntwo\n", '/inline' => 'xyz', '/delayed' => 'later', '/delayed-file' => $file,
        '/stream' => join('', map { "part $_\n" } 1 .. 100), '/stream-length' => 'abcdef', '/stream-empty' => '',
        '/latin1' => "caf\xe9", '/utf8' => "\xe2\x98\xba", '/long' => 'x' x 2_000_000 . 'y' x 1_000_000, '/qx' => 'said 0', '/fork' => 'of a child',
        '/errors' => 'ok', '/change' => 'ok', '/io-raw' => 'a socket',
    );
    for my $path (sort keys %body) {
        my $reply = $ask->(GET $path);
        is $reply->code, 200, "$path: status";
        ok $reply->content eq $body{$path}, '  content';
    }
    for my $path (qw(/array /glob /getline /delayed /stream /stream-length /long)) {
        my $reply = $ask->(HEAD $path);
        is $reply->code . $reply->content, '200', "HEAD $path";
    }
    is $ask->(GET $_)->code . $ask->(GET $_)->content, substr($_, 1), "$_ has no content" for qw(/204 /304);
    is $ask->(GET '/304')->header('ETag'), '"a"', '  but fields';
    is $ask->(GET $_)->code, 500, "$_ is a 500" for qw(/die /die-late);
    is $ask->(GET '/none')->code, 404, 'an application that has no such page';
    my $reply = $ask->(GET '/fields');
    is join(',', $reply->header('X-A')), '1,2', 'a field twice';
    is join(',', $reply->header('Set-Cookie')), 'a=1,b=2', 'two cookies';
    ok noted('closed'), 'close was called';
    is $ask->(GET '/cleanup')->content, 'yes', 'psgix.cleanup';
    ok noted('cleaned'), '  is called';
    like $ask->(GET '/harakiri')->content, qr/\A\d+\z/, 'psgix.harakiri';
    is $ask->(GET '/array')->content, 'abc', '  and the next request is served';
    is $ask->(GET '/local')->content, 1, 'local is undone' for 1 .. 3;
    is $ask->(POST '/unread', Content => 'x' x 500_000)->content, 'not read', 'content that nobody read';
    is $ask->(GET '/array')->content, 'abc', '  is not in the way of the next request';
    my $env = $ask->(GET '/env?x=y', 'X-Test' => 'z')->content;
    like $env, $_, "the environment has $_" for qr/^REQUEST_METHOD=GET$/m, qr/^SCRIPT_NAME=$/m, qr/^PATH_INFO=\/env$/m,
        qr/^REQUEST_URI=\/env\?x=y$/m, qr/^QUERY_STRING=x=y$/m, qr/^SERVER_PROTOCOL=HTTP\/1\.1$/m, qr/^HTTP_X_TEST=z$/m,
        qr/^SERVER_NAME=./m, qr/^SERVER_PORT=\d+$/m, qr/^REMOTE_ADDR=127\.0\.0\.1$/m, qr/^psgi\.url_scheme=http$/m,
        qr/^psgi\.multiprocess=1$/m, qr/^psgi\.multithread=(?:0|)$/m, qr/^psgi\.nonblocking=(?:0|)$/m,
        qr/^psgi\.run_once=(?:0|)$/m, qr/^psgi\.streaming=1$/m;
    unlike $env, qr/^HTTP_CONTENT_/m, '  and no field under two names';
};

test_psgi $app, sub { # of one process as of many
    my ($ask) = @_;
    $ask->(GET '/separator') for 1 .. 8;
    is $ask->(GET '/scalar')->content, "in\nmemory\n", 'what an application leaves in $/ changes no response';
};

test_psgi(Overloaded->new, sub { is $_[0]->(GET '/')->content, 'called as code', 'an application that is an object' });

done_testing;
