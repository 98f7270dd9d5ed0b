# Plack::Request on what a server makes of requests.
use strict;
use warnings;
use HTTP::Request;
use HTTP::Request::Common qw(GET POST PUT);
use Plack::Request;
use Plack::Response;
use Plack::Test;
use Test::More;

# The answer is what the code makes of the request, as text.
sub asked {
    my ($code, @cases) = @_;
    test_psgi sub {
        my $request = Plack::Request->new(shift);
        my $text = join '|', map { $_ // 'undef' } $code->($request);
        return [200, ['Content-Type' => 'text/plain'], [$text]];
    }, sub {
        my ($ask) = @_;
        while (my ($name, $request, $expected) = splice @cases, 0, 3) {
            my $reply = $ask->($request);
            ref $expected ? like($reply->content, $expected, $name) : is($reply->content, $expected, $name);
        }
    };
    return;
}

subtest 'parameters' => sub {
    my $all = sub { my $p = $_[0]->parameters; map { my $key = $_; map { "$key=$_" } $p->get_all($key) } sort keys %$p };
    asked $all,
        'none'           => GET('/'), '',
        'of the query'   => GET('/?a=1&b=2&a=3'), 'a=1|a=3|b=2',
        'with ;'         => GET('/?a=1;b=2'), 'a=1|b=2',
        'escaped'        => GET('/?a=%26%3D+%2B'), 'a=&= +',
        'without values' => GET('/?a&b='), qr/\Aa=\|b=\z/,
        'of the body'    => POST('/', [a => 1, b => 'x y']), 'a=1|b=x y',
        'of both'        => POST('/?a=0', [a => 1]), 'a=0|a=1',
        'only a form'    => POST('/?a=0', Content_Type => 'text/plain', Content => 'a=1'), 'a=0',
        'multipart'      => POST('/?q=1', Content_Type => 'form-data', Content => [a => 1, a => 2, b => "x\r\ny"]), "a=1|a=2|b=x\r\ny|q=1";
    asked sub { $_[0]->param('a'), $_[0]->body_parameters->{a}, $_[0]->query_parameters->{a} },
        'apart' => POST('/?a=q', [a => 'b']), 'q|b|b|q';
};

subtest 'content' => sub {
    asked sub { length($_[0]->content), $_[0]->content_length, $_[0]->content_type, $_[0]->raw_body eq $_[0]->content },
        'none'     => GET('/'), '0|undef|undef|1',
        'short'    => POST('/', Content_Type => 'text/plain', Content => 'abc'), '3|3|text/plain|1',
        'empty'    => POST('/', Content_Type => 'text/plain', Content => ''), qr/\A0\|0?(?:undef)?\|text\/plain\|1\z/,
        'long'     => PUT('/', Content_Type => 'a/b', Content => 'x' x 200_000), '200000|200000|a/b|1',
        'very long' => PUT('/', Content_Type => 'a/b', Content => 'x' x 3_000_000), '3000000|3000000|a/b|1';
    my $binary = join '', map { chr } 0 .. 255;
    test_psgi sub { my $request = Plack::Request->new(shift); [200, ['Content-Type' => 'a/b'], [$request->content]] },
        sub { is $_[0]->(PUT '/', Content_Type => 'a/b', Content => $binary)->content, $binary, 'every octet' };
    asked sub {
        my $input = $_[0]->body;
        my $twice = join '', map { seek $input, 0, 0; read $input, my $piece, 3; $piece } 1, 2;
        my $line = do { seek $input, 0, 0; <$input> };
        ($twice, $line, tell $input);
    }, 'read twice, by lines' => PUT('/', Content_Type => 'a/b', Content => "one\ntwo\n"), "oneone|one\n|4";
};

subtest 'uploads' => sub {
    my $file = __FILE__;
    asked sub {
        my $upload = $_[0]->upload('file') or return 'none';
        ($upload->basename, $upload->size, -s $upload->path, $upload->content_type, scalar($_[0]->upload), $_[0]->param('a'));
    },
        'one'  => POST('/', Content_Type => 'form-data', Content => [a => 1, file => [$file]]), qr/\Arequest\.t\|${\ -s $file}\|${\ -s $file}\|\S+\|/,
        'none' => POST('/', Content_Type => 'form-data', Content => [a => 1]), 'none';
    asked sub { map { sprintf '%s:%d', $_->filename, $_->size } $_[0]->upload('f') },
        'three of a name' => POST('/', Content_Type => 'form-data', Content => [map { (f => [undef, "$_.txt", Content => 'x' x $_]) } 1 .. 3]), '1.txt:1|2.txt:2|3.txt:3',
        'a large one'     => POST('/', Content_Type => 'form-data', Content => [f => [undef, 'large', Content => 'x' x 2_000_000]]), 'large:2000000';
    asked sub { my $u = $_[0]->upload('f'); open my $in, '<', $u->path or die; local $/; my $text = <$in>; $text },
        'its octets' => POST('/', Content_Type => 'form-data', Content => [f => [undef, 'x', Content => "\0\r\n--x\xff"]]), "\0\r\n--x\xff";
};

subtest 'cookies' => sub {
    asked sub { my $c = $_[0]->cookies; map { "$_=$c->{$_}" } sort keys %$c },
        'none'    => GET('/'), '',
        'two'     => GET('/', Cookie => 'a=1; b=x%20y'), 'a=1|b=x y',
        'the first of a name counts' => GET('/', Cookie => 'a=1; a=2'), 'a=1',
        'empty'   => GET('/', Cookie => ''), '',
        'strange' => GET('/', Cookie => 'a; =; b=2'), qr/b=2/;
    test_psgi sub {
        my $response = Plack::Response->new(200);
        $response->content_type('text/plain');
        $response->cookies->{a} = {value => 'x y', path => '/', httponly => 1, secure => 1, expires => 0};
        $response->cookies->{b} = 'plain';
        $response->body(['ok']);
        return $response->finalize;
    }, sub {
        my @cookies = sort $_[0]->(GET '/')->header('Set-Cookie');
        like $cookies[0], qr/\Aa=x%20y; path=\/.*secure; HttpOnly\z/, 'set';
        is $cookies[1], 'b=plain', '  both';
    };
};

subtest 'addresses' => sub {
    asked sub { my $u = $_[0]->uri; ($u->scheme, $u->path_query, $_[0]->base->path, $_[0]->path_info, $_[0]->path) },
        'root'     => GET('/'), 'http|/|/||/' =~ s/\|\|/|\/|/r,
        'a path'   => GET('/a/b?c=d'), 'http|/a/b?c=d|/|/a/b|/a/b',
        'escapes'  => GET('/a%20b/%E3%81%82?x=%2F'), "http|/a%20b/%E3%81%82?x=%2F|/|/a b/\xe3\x81\x82|/a b/\xe3\x81\x82",
        'slashes'  => GET('/a//b/'), 'http|/a//b/|/|/a//b/|/a//b/',
        'dots'     => GET('/a/.b/..c'), 'http|/a/.b/..c|/|/a/.b/..c|/a/.b/..c',
        'a plus'   => GET('/a+b?a+b'), 'http|/a+b?a+b|/|/a+b|/a+b',
        'reserved' => GET('/a:b@c;d=e,f'), qr{\Ahttp\|/a:b\@c;d=e,f\|},
        'no query' => GET('/a?'), qr{\Ahttp\|/a\??\|/\|/a\|/a\z};
    asked sub { $_[0]->env->{REQUEST_URI} }, 'as it was sent' => GET('/a%2Fb/%7e?x=%41'), '/a%2Fb/%7e?x=%41';
    asked sub { $_[0]->address, $_[0]->remote_host // 'undef', $_[0]->secure, $_[0]->protocol },
        'of the client' => GET('/'), qr{\A127\.0\.0\.1\|[^|]*\|0?\|HTTP/1\.[01]\z};
    asked sub { $_[0]->uri->host eq '127.0.0.1' && $_[0]->uri->port == $_[0]->env->{SERVER_PORT} }, 'Host' => GET('/'), '1';
};

subtest 'methods and fields' => sub {
    asked sub { $_[0]->method }, map { ("$_" => HTTP::Request->new($_ => '/'), $_) } qw(GET POST PUT DELETE OPTIONS PATCH PROPFIND);
    asked sub { $_[0]->header('X-Foo'), $_[0]->user_agent, $_[0]->referer, $_[0]->content_encoding, $_[0]->env->{HTTP_X_FOO} },
        'one'        => GET('/', 'X-Foo' => 'bar', 'User-Agent' => 'tester', Referer => 'http://a/', 'Content-Encoding' => 'b'), 'bar|tester|http://a/|b|bar',
        'its spaces' => GET('/', 'X-Foo' => '  bar baz  ', 'User-Agent' => 't'), qr/\Abar baz\|t\|/,
        'empty'      => GET('/', 'X-Foo' => '', 'User-Agent' => 't'), qr/\A\|t\|/;
    asked sub { $_[0]->env->{HTTP_X_FOO} =~ s/\s*,\s*/,/gr }, 'twice' => HTTP::Request->new(GET => '/', ['X-Foo' => 'a', 'X-Foo' => 'b']), 'a,b';
    asked sub { scalar grep { /\AHTTP_CONTENT/ } keys %{ $_[0]->env } }, 'no HTTP_CONTENT_TYPE' => POST('/', [a => 1]), '0';
    asked sub { map { defined $_[0]->env->{$_} ? 1 : 0 } qw(psgi.version psgi.input psgi.errors psgi.url_scheme SERVER_NAME SERVER_PORT QUERY_STRING REMOTE_ADDR) },
        'what PSGI wants' => GET('/'), join('|', (1) x 8);
};

subtest 'sessions and stash' => sub {
    asked sub { $_[0]->env->{'psgix.session'} = {a => 1}; $_[0]->session->{a}, join ',', keys %{ $_[0]->env->{'plack.stash'} // {} } },
        'are the request\'s own' => GET('/'), '1|';
    asked sub { $_[0]->logger ? 1 : 0 }, 'logger' => GET('/'), qr/\A[01]\z/;
};

subtest 'responses' => sub {
    test_psgi sub {
        my $request = Plack::Request->new(shift);
        my $response = $request->new_response(200);
        $response->redirect('http://example.com/a b', 301) if $request->path eq '/redirect';
        $response->status(404), $response->body("none\n") if $request->path eq '/404';
        $response->header('X-Multi' => ['a', 'b']);
        $response->headers->push_header('X-Multi' => 'c');
        $response->content_type('text/plain');
        return $response->finalize;
    }, sub {
        my ($ask) = @_;
        my $reply = $ask->(POST '/redirect'); # of a GET the client would follow it
        is $reply->code, 301, 'a redirection';
        like $reply->header('Location'), qr{\Ahttp://example\.com/a(?: |%20)b\z}, '  where to';
        $reply = $ask->(GET '/404');
        is $reply->code . $reply->content, "404none\n", 'not found';
        is join(',', $reply->header('X-Multi')), 'a,b,c', 'fields more than once';
    };
};

done_testing;
