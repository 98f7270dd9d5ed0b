# Plack's middleware around an application, asked over Plack::Test: whatever server PLACK_TEST_IMPL and PLACK_SERVER name.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use File::Temp  ();
use HTTP::Request::Common qw(GET HEAD POST);
use Plack::Builder;
use Plack::Test;
use Test::More;

my @text = ('Content-Type' => 'text/plain');
my $dir  = File::Temp->newdir;
sub write_file { my ($name, $text) = @_; open my $out, '>', "$dir/$name" or die; print {$out} $text; close $out or die; return "$dir/$name" }
sub read_file  { my ($name) = @_; open my $in, '<', "$dir/$name" or return ''; local $/; return scalar <$in> // '' }
sub logger     { my ($name) = @_; return sub { open my $out, '>>', "$dir/$name" or die; print {$out} @_; close $out } }

# A middleware that this Plack has, around an application; then requests against it.
sub with {
    my ($name, $arguments, $app, $ask) = @_;
    subtest $name => sub {
        plan skip_all => "no $name" if !eval { Plack::Util::load_class($name, 'Plack::Middleware') };
        test_psgi builder { enable $name, @$arguments; $app }, $ask;
    };
    return;
}
my $hello = sub { [200, [@text, 'Content-Length' => 5], ['hello']] };
my $stream = sub { my $env = shift; sub { my $w = $_[0]->([200, [@text]]); $w->write($_) for qw(one two); $w->close } };

with AccessLog => [format => 'combined', logger => logger('access')], $hello, sub {
    my ($ask) = @_;
    $ask->(GET '/a?b=c', 'User-Agent' => 'tester', Referer => 'http://r/');
    like read_file('access'), qr{^127\.0\.0\.1 - - \[[^]]+\] "GET /a\?b=c HTTP/1\.1" 200 5 "http://r/" "tester"$}m, 'combined';
};
with AccessLog => [format => '%m %U %q %H %V %{X-In}i %{X-Out}o %>s %b %%', logger => logger('format')],
    sub { [201, [@text, 'X-Out' => 'out'], ['abc']] }, sub {
    my ($ask) = @_;
    $ask->(POST '/path?q=1', [], 'X-In' => 'in');
    like read_file('format'), qr{^POST /path \?q=1 HTTP/1\.1 127\.0\.0\.1\S* in out 201 (?:3|-) %$}m, 'a format';
};
with 'AccessLog::Timed' => [format => '%s %D', logger => logger('timed')], $stream, sub {
    my ($ask) = @_;
    is $ask->(GET '/')->content, 'onetwo', 'the content';
    like read_file('timed'), qr{^200 \d+$}m, 'the time of the whole response';
};
with 'Auth::Basic' => [authenticator => sub { $_[0] eq 'user' && $_[1] eq 'pass:word' }, realm => 'here'],
    sub { [200, [@text], [$_[0]{REMOTE_USER}]] }, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/');
    is $reply->code, 401, 'nobody';
    is $reply->header('WWW-Authenticate'), 'Basic realm="here"', '  is asked';
    my $request = GET '/';
    $request->authorization_basic('user', 'pass:word');
    is $ask->($request)->content, 'user', 'who knows it is let in';
    $request->authorization_basic('user', 'wrong');
    is $ask->($request)->code, 401, 'who does not is not';
};
with BufferedStreaming => [force => 1], $stream, sub {
    my ($ask) = @_;
    is $ask->(GET '/')->content, 'onetwo', 'a stream as an array';
};
with Chunked => [], sub { [200, [@text], ['one', 'two']] }, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/');
    is $reply->code, 200, 'chunks made by the application';
};
with Conditional => [condition => sub { $_[0]{HTTP_X_ON} }, builder => sub { Plack::Middleware::XFramework->wrap($_[0], framework => 'F') }], $hello, sub {
    my ($ask) = @_;
    my $on = $ask->(GET '/', 'X-On' => 1);
    is $ask->(GET '/')->header('X-Framework'), undef, 'off';
    is $on->header('X-Framework'), 'F', 'on';
} if require Plack::Middleware::XFramework;
with ConditionalGET => [], sub {
    my $env = shift;
    my %reply = (
        '/etag'  => ['ETag' => '"abc"'],
        '/date'  => ['Last-Modified' => 'Wed, 23 Sep 2009 13:36:33 GMT'],
        '/both'  => ['ETag' => '"abc"', 'Last-Modified' => 'Wed, 23 Sep 2009 13:36:33 GMT'],
        '/none'  => [],
    );
    return [200, [@text, 'Content-Length' => 2, @{ $reply{ $env->{PATH_INFO} } }], ['ok']];
}, sub {
    my ($ask) = @_;
    for my $case (
        ['/etag', ['If-None-Match' => '"abc"'], 304], ['/etag', ['If-None-Match' => '"abd"'], 200],
        ['/date', ['If-Modified-Since' => 'Wed, 23 Sep 2009 13:36:33 GMT'], 304],
        ['/date', ['If-Modified-Since' => 'Wed, 23 Sep 2009 13:36:32 GMT'], 200],
        ['/date', ['If-Modified-Since' => 'Wed, 23 Sep 2009 13:36:33 GMT; length=2'], 304],
        ['/both', ['If-None-Match' => '"abc"', 'If-Modified-Since' => 'Wed, 23 Sep 2009 13:36:33 GMT'], 304],
        ['/both', ['If-None-Match' => '"abd"', 'If-Modified-Since' => 'Wed, 23 Sep 2009 13:36:33 GMT'], 200],
        ['/none', ['If-None-Match' => '"abc"'], 200],
    ) {
        my ($path, $fields, $status) = @$case;
        my $reply = $ask->(GET $path, @$fields);
        is $reply->code, $status, "$path @$fields";
        is $reply->content, $status == 200 ? 'ok' : '', '  its content';
        is $reply->header('Content-Type'), $status == 200 ? 'text/plain' : undef, '  its type' if $status == 304;
    }
    is $ask->(POST '/etag', [], 'If-None-Match' => '"abc"')->code, 200, 'POST is not conditional';
};
with ContentLength => [], sub {
    my $env = shift;
    return [200, [@text], ['12', '345']] if $env->{PATH_INFO} eq '/array';
    return [304, [], []]                 if $env->{PATH_INFO} eq '/304';
    open my $in, '<', __FILE__ or die;
    return [200, [@text], $in];
}, sub {
    my ($ask) = @_;
    is $ask->(GET '/array')->content_length, 5, 'of an array';
    is $ask->(GET '/file')->content_length, -s __FILE__, 'of a file';
    is $ask->(GET '/304')->content_length, undef, 'of nothing';
};
with ContentMD5 => [], sub { [200, [@text], ['a', 'bc']] }, sub {
    my ($ask) = @_;
    is $ask->(GET '/')->header('Content-MD5'), md5_hex('abc'), 'of an array';
};
write_file('404.html', "not here, really\n");
with ErrorDocument => [404 => "$dir/404.html", 500 => '/sorry', subrequest => 1], sub {
    my $env = shift;
    return [200, [@text], ["sorry $env->{'psgix.errordocument.PATH_INFO'}"]] if $env->{PATH_INFO} eq '/sorry';
    my ($status) = $env->{PATH_INFO} =~ /(\d+)/;
    return [$status, [@text], ["plain $status"]];
}, sub {
    my ($ask) = @_;
    is $ask->(GET '/200')->content, 'plain 200', 'no error';
    is $ask->(GET '/403')->content, 'plain 403', 'an error without a document';
    my $reply = $ask->(GET '/500');
    is $reply->code . ' ' . $reply->content, '500 sorry /500', 'a document of the application';
    $reply = $ask->(GET '/404');
    is $reply->code, 404, 'another one';
};
with ErrorDocument => [404 => "$dir/404.html"], sub { [404, [@text, 'Content-Length' => 3], ['abc']] }, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/');
    is $reply->content, "not here, really\n", 'a document in a file, longer than what the application had';
    is $reply->content_type, 'text/html', '  with its type';
};
with Head => [], $hello, sub {
    my ($ask) = @_;
    my $reply = $ask->(HEAD '/');
    is $reply->content, '', 'HEAD: no content';
    is $reply->content_length, 5, '  but its length';
    is $ask->(GET '/')->content, 'hello', 'GET';
};
{
    package Exception { sub new { bless {@_[1 .. $#_]}, $_[0] } sub code { $_[0]{code} } sub as_string { $_[0]{text} } }
    package Redirect { our @ISA = 'Exception'; sub location { $_[0]{location} } }
    package AsPsgi { sub new { bless {} } sub as_psgi { [200, ['Content-Type' => 'text/plain'], ['as psgi']] } }
}
with HTTPExceptions => [rethrow => 0], sub {
    my $env  = shift;
    my %page = (
        '/ok'       => sub { [200, [@text], ['fine']] },
        '/403'      => sub { die Exception->new(code => 403, text => 'Forbidden, sorry') },
        '/redirect' => sub { die Redirect->new(code => 302, text => '', location => 'http://elsewhere/') },
        '/psgi'     => sub { die AsPsgi->new },
        '/stream'   => sub { sub { die Exception->new(code => 404, text => 'no stream') } },
    );
    return $page{ $env->{PATH_INFO} }->($env);
}, sub {
    my ($ask) = @_;
    is $ask->(GET '/ok')->content, 'fine', 'none';
    my $reply = $ask->(GET '/403');
    is $reply->code . ' ' . $reply->content, '403 Forbidden, sorry', 'an object';
    $reply = $ask->(POST '/redirect'); # of a GET the client would follow it
    is $reply->code, 302, 'a redirection';
    is $reply->header('Location'), 'http://elsewhere/', '  where to';
    is $ask->(GET '/psgi')->content, 'as psgi', 'one that is a response itself';
    is $ask->(GET '/stream')->code, 404, 'in a delayed response';
};
my $paths = sub { my $env = shift; [200, [@text], [join '|', map { $env->{$_} // 'undef' } qw(SCRIPT_NAME PATH_INFO)]] };
with IIS6ScriptNameFix     => [], $paths, sub { like $_[0]->(GET '/a/b')->content, qr{/a/b\z}, 'a path' };
with LighttpdScriptNameFix => [], $paths, sub { is $_[0]->(GET '/a/b')->content, '|/a/b', 'a path' };
with IIS7KeepAliveFix      => [], sub { [302, [@text, Location => 'http://x/'], ['']] }, sub { is $_[0]->(POST '/')->code, 302, 'a redirection' };
with JSONP => [], sub { [200, ['Content-Type' => 'application/json'], ['{"a":', '1}']] }, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/?callback=call_me');
    like $reply->content, qr{call_me\(\{"a":1\}\)}, 'wrapped';
    is $reply->content_type, 'text/javascript', '  and its type';
    is $ask->(GET '/')->content, '{"a":1}', 'as it is';
    is $ask->(GET '/?callback=a%0d%0ab')->content, '{"a":1}', 'a name that is none';
};
with Lint => [], $_, sub { is $_[0]->(GET '/a%20b?c=d')->code, 200, 'Lint has nothing to say of this environment' } for $hello, $stream;
with Lint => [], sub { [200, [undef, 'x'], ['x']] }, sub { is $_[0]->(GET '/')->code, 500, 'and dies of a bad response' };
with SimpleLogger => [level => 'warn'], sub {
    my $env = shift;
    local *STDERR;
    open my $memory, '>', \my $said;
    local $env->{'psgi.errors'} = $memory;
    $env->{'psgix.logger'}->({level => $_, message => "it is $_"}) for qw(debug info warn error);
    return [200, [@text], [defined $said ? $said : '']];
}, sub {
    my ($ask) = @_;
    my $said = $ask->(GET '/')->content;
    is $ask->(GET '/')->code, 200, 'logs';
    unlike $said, qr/it is info/, 'nothing below its level';
};
with NullLogger => [], sub { my $env = shift; $env->{'psgix.logger'}->({level => 'error', message => 'x'}); [200, [@text], ['ok']] },
    sub { is $_[0]->(GET '/')->content, 'ok', 'says nothing' };
with RearrangeHeaders => [], sub { [200, ['Content-Type' => 'text/plain', 'Set-Cookie' => 'a=1', 'ETag' => '"x"', 'Set-Cookie' => 'b=2'], ['x']] },
    sub { is join(',', $_[0]->(GET '/')->header('Set-Cookie')), 'a=1,b=2', 'both cookies are there' };
with Recursive => [], sub {
    my $env = shift;
    return $env->{'plack.recursive.include'}->('/inner?x=1') if $env->{PATH_INFO} eq '/include';
    return $env->{'plack.recursive.forward'} ? die Plack::Recursive::ForwardRequest->new('/inner?x=2') : [500, [@text], ['none']]
        if $env->{PATH_INFO} eq '/forward';
    die Plack::Recursive::ForwardRequest->new('/inner?x=3') if $env->{PATH_INFO} eq '/throw';
    return [200, [@text], ["inner $env->{QUERY_STRING} from ", ($env->{'plack.recursive.old_path_info'} // ['nowhere'])->[0]]];
}, sub {
    my ($ask) = @_;
    is $ask->(GET '/include')->content, 'inner x=1 from /include', 'included';
    is $ask->(GET '/throw')->content,   'inner x=3 from /throw',   'forwarded to';
    is $ask->(GET '/inner')->content,   'inner  from nowhere',     'asked for';
};
with Refresh => [], $hello, sub { is $_[0]->(GET '/')->content, 'hello', 'looks for changes' };
with Runtime => [], $hello, sub { like $_[0]->(GET '/')->header('X-Runtime'), qr/\A\d+\.\d+\z/, 'how long it took' };
with SimpleContentFilter => [filter => sub { s/hello/goodbye/g }], sub { [200, [@text], ['hello', ' hello']] },
    sub { is $_[0]->(GET '/')->content, 'goodbye goodbye', 'an array, changed' };
with StackTrace => [no_print_errors => 1], sub { die "caf\x{e9} <oops>\n" if $_[0]{PATH_INFO} eq '/die'; [200, [@text], ['fine']] }, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/die', Accept => 'text/html,*/*');
    is $reply->code, 500, 'an application that dies';
    like $reply->content, qr/&lt;oops&gt;/, '  shows where, as HTML';
    like $ask->(GET '/die', Accept => 'text/plain')->content, qr/<oops>/, '  or as text';
    is $ask->(GET '/')->content, 'fine', 'nothing else is touched';
};
write_file('style.css', "body {}\n");
write_file('big.bin',   'z' x 300_000);
with Static => [path => qr{^/static/}, root => "$dir/"], $hello, sub { is $_[0]->(GET '/static/../x')->code, 403, 'no way up' };
with Static => [path => sub { s{^/static/}{} }, root => "$dir", pass_through => 0], $hello, sub {
    my ($ask) = @_;
    my $reply = $ask->(GET '/static/style.css');
    is $reply->content, "body {}\n", 'a file';
    is $reply->content_type, 'text/css', '  its type';
    ok $reply->header('Last-Modified'), '  its date';
    is length $ask->(GET '/static/big.bin')->content, 300_000, 'a longer one';
    is $ask->(GET '/static/none')->code, 404, 'none';
    is $ask->(HEAD '/static/style.css')->content, '', 'HEAD';
    is $ask->(GET '/other')->content, 'hello', 'what is not static';
    is $ask->(GET '/static/%2e%2e%2fetc')->code, 403, 'no way up by escapes';
    is $ask->(GET '/static/a%00b')->code, 400, 'no zero octet';
};
with Static => [path => sub { s{^/}{} }, root => "$dir", pass_through => 1], $hello,
    sub { is $_[0]->(GET '/none')->content, 'hello', 'pass_through' };
with XFramework => [framework => 'Mine'], $hello, sub { is $_[0]->(GET '/')->header('X-Framework'), 'Mine', 'says it' };
with XSendfile => [variation => 'X-Sendfile'], sub { open my $in, '<', "$dir/style.css" or die; Plack::Util::set_io_path($in, "$dir/style.css"); [200, [@text], $in] },
    sub { is $_[0]->(GET '/')->header('X-Sendfile'), "$dir/style.css", 'the path is told to a front server' };
with XSendfile => [], sub { open my $in, '<', "$dir/style.css" or die; [200, [@text], $in] },
    sub { is $_[0]->(GET '/')->content, "body {}\n", 'or not' };

subtest 'one around the other' => sub {
    test_psgi builder {
        enable 'Head'; enable 'ContentLength'; enable 'ConditionalGET'; enable 'Runtime';
        enable_if { $_[0]{HTTP_X_FRAME} } 'XFramework', framework => 'F';
        enable sub { my $app = shift; sub { my $env = shift; $env->{'test.seen'} = 'seen'; $app->($env) } };
        mount '/deep' => builder { enable 'XFramework', framework => 'Deep'; sub { [200, [@text, ETag => '"1"'], [$_[0]{'test.seen'}]] } };
        mount '/'     => $stream;
    }, sub {
        my ($ask) = @_;
        my $reply = $ask->(GET '/deep');
        is $reply->content, 'seen', 'content';
        is $reply->header('X-Framework'), 'Deep', 'a field';
        is $reply->content_length, 4, 'a length';
        is $ask->(GET '/deep', 'If-None-Match' => '"1"')->code, 304, 'a condition';
        is $ask->(GET '/x', 'X-Frame' => 1)->header('X-Framework'), 'F', 'a stream with one more field';
    };
};

done_testing;
