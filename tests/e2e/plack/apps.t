# The applications that come with Plack: files, folders, mounts, CGI.
use strict;
use warnings;
use File::Temp ();
use HTTP::Request::Common qw(GET HEAD POST);
use Plack::App::Cascade;
use Plack::App::Directory;
use Plack::App::File;
use Plack::App::URLMap;
use Plack::Test;
use Plack::Util;
use Test::More;

my $dir = File::Temp->newdir;
sub write_file { my ($name, $text, $mode) = @_; open my $out, '>', "$dir/$name" or die; print {$out} $text; close $out or die; chmod $mode // 0644, "$dir/$name"; return }
mkdir "$dir/$_" for qw(sub cgi psgi);
write_file('index.html', "<p>index</p>\n");
write_file('page.html',  "<p>page</p>\n");
write_file('sub/a b.txt', "spaces\n");
write_file('zero',       '');
write_file('large.bin',  'x' x 1_500_000);
my $echo = sub { my ($name) = @_; sub { my $env = shift; [200, ['Content-Type' => 'text/plain'], [join '|', $name, @$env{qw(SCRIPT_NAME PATH_INFO)}]] } };

subtest 'File' => sub {
    test_psgi(Plack::App::File->new(root => "$dir")->to_app, sub {
        my ($ask) = @_;
        my $reply = $ask->(GET '/page.html');
        is $reply->content, "<p>page</p>\n", 'a file';
        is $reply->header('Content-Type'), 'text/html; charset=utf-8', '  its type';
        is $reply->content_length, 12, '  its length';
        ok $reply->last_modified, '  its date';
        is $ask->(GET '/sub/a%20b.txt')->content, "spaces\n", 'a name with a space';
        is $ask->(GET '/zero')->content, '', 'an empty one';
        is length $ask->(GET '/large.bin')->content, 1_500_000, 'a large one';
        is $ask->(HEAD '/large.bin')->content, '', 'HEAD';
        is $ask->(GET '/none')->code, 404, 'none';
        is $ask->(GET '/sub')->code, 404, 'a folder is no file';
        is $ask->(GET '/page.html/more')->code, 404, 'nor is what lies below a file';
        is $ask->(GET '/..%2f..%2fetc/passwd')->code, 403, 'no way up';
        is $ask->(GET '/sub/%5c..%5c')->code, 403, 'nor by back slashes';
        is $ask->(GET '/a%00b')->code, 400, 'no zero octet';
    });
    test_psgi(Plack::App::File->new(file => "$dir/page.html", content_type => 'a/b')->to_app, sub {
        my $reply = $_[0]->(GET '/whatever');
        is $reply->content_type . $reply->content, "a/b<p>page</p>\n", 'always the same';
    });
};

subtest 'Directory' => sub {
    test_psgi(Plack::App::Directory->new(root => "$dir")->to_app, sub {
        my ($ask) = @_;
        my $list = $ask->(GET '/')->content;
        like $list, qr{page\.html}, 'a list';
        like $list, qr{href="/?sub/"|sub/}, '  with folders';
        like $ask->(GET '/sub/')->content, qr{a%20b\.txt}, 'a folder below, its names escaped';
        is $ask->(GET '/page.html')->content, "<p>page</p>\n", 'a file';
        is $ask->(GET '/none/')->code, 404, 'none';
    });
};

subtest 'URLMap' => sub {
    my $map = Plack::App::URLMap->new;
    $map->map('/' => $echo->('root'));
    $map->map('/foo' => $echo->('foo'));
    $map->map('/foo/bar' => $echo->('bar'));
    test_psgi $map->to_app, sub {
        my ($ask) = @_;
        is $ask->(GET '/')->content,        'root||/',        'the root';
        is $ask->(GET '/foo')->content,     'foo|/foo|',      'a mount';
        is $ask->(GET '/foo/x')->content,   'foo|/foo|/x',    '  below it';
        is $ask->(GET '/foobar')->content,  'root||/foobar',  '  what only begins like it';
        is $ask->(GET '/foo/bar/')->content, 'bar|/foo/bar|/', 'the longer one';
        is $ask->(GET '/foo%2Fbar')->content, 'bar|/foo/bar|', 'an escaped slash';
    };
    my $hosts = Plack::App::URLMap->new;
    $hosts->map('http://one.example/' => $echo->('one'));
    $hosts->map('http://127.0.0.1/x' => $echo->('two'));
    test_psgi $hosts->to_app, sub {
        my ($ask) = @_;
        is $ask->(GET '/')->code, 404, 'of another host';
    };
};

subtest 'Cascade' => sub {
    my $cascade = Plack::App::Cascade->new;
    test_psgi $cascade->to_app, sub { is $_[0]->(GET '/')->code, 404, 'nobody' };
    $cascade->add(Plack::App::File->new(root => "$dir/sub")->to_app, Plack::App::File->new(root => "$dir")->to_app);
    $cascade->add(sub { my $env = shift; sub { $_[0]->([$env->{PATH_INFO} eq '/delayed' ? 200 : 404, ['Content-Type' => 'text/plain'], ['late']]) } });
    $cascade->add(sub { my $env = shift; sub { my $w = $_[0]->([200, ['Content-Type' => 'text/plain']]); $w->write("the last $_\n") for 1, 2; $w->close } });
    test_psgi $cascade->to_app, sub {
        my ($ask) = @_;
        is $ask->(GET '/a%20b.txt')->content, "spaces\n", 'the first';
        is $ask->(GET '/page.html')->content, "<p>page</p>\n", 'the second';
        is $ask->(GET '/delayed')->content, 'late', 'one that answers later';
        is $ask->(GET '/none')->content, "the last 1\nthe last 2\n", 'a stream';
    };
};

write_file('cgi/hello.cgi', <<'CGI', 0755);
#!/usr/bin/perl
my $body = ''; read STDIN, $body, $ENV{CONTENT_LENGTH} || 0;
print "Status: 201 Made\r\nContent-Type: text/plain\r\nX-Path: ", $ENV{PATH_INFO} // '', "\r\n\r\n$ENV{REQUEST_METHOD} $ENV{QUERY_STRING} $body";
CGI
for my $execute (0, 1) {
    subtest 'CGIBin, ' . ($execute ? 'executed' : 'compiled') => sub {
        plan skip_all => 'no CGI::Emulate::PSGI or CGI::Compile' if !eval { require Plack::App::CGIBin; require CGI::Emulate::PSGI; require CGI::Compile; 1 };
        my $app = Plack::App::CGIBin->new(root => "$dir/cgi", exec_cb => sub { $execute })->to_app;
        test_psgi $app, sub {
            my ($ask) = @_;
            for my $time (1, 2) {
                my $reply = $ask->(POST "/hello.cgi/more?q=$time", Content => "body $time");
                is $reply->code . ' ' . $reply->content, "201 POST q=$time body $time", "time $time";
                is $reply->header('X-Path'), '/more', '  PATH_INFO';
            }
            is $ask->(GET '/none.cgi')->code, 404, 'none';
        };
    };
}

write_file('psgi/hello.psgi', q{my $n = 0; sub { [200, ['Content-Type' => 'text/plain'], ["psgi $_[0]{PATH_INFO}"]] }});
subtest 'PSGIBin' => sub {
    plan skip_all => 'no PSGIBin' if !eval { require Plack::App::PSGIBin };
    test_psgi(Plack::App::PSGIBin->new(root => "$dir/psgi")->to_app, sub { is $_[0]->(GET '/hello.psgi/x')->content, 'psgi /x', 'a file is an application' });
};

subtest 'Proxy, by hand' => sub { # an application that asks another server
    require Test::TCP; require Plack::Loader; require HTTP::Tiny;
    my $back = Test::TCP->new(code => sub {
        Plack::Loader->auto(host => '127.0.0.1', port => $_[0])->run(sub { [203, ['Content-Type' => 'a/b', 'X-Back' => 1], ["back $_[0]{PATH_INFO}"]] });
        exit;
    });
    my $port = $back->port;
    test_psgi sub {
        my $reply = HTTP::Tiny->new->get("http://127.0.0.1:$port$_[0]{PATH_INFO}");
        return [$reply->{status}, ['Content-Type' => $reply->{headers}{'content-type'}], [$reply->{content}]];
    }, sub { is join(' ', map { $_->code, $_->content_type, $_->content } $_[0]->(GET '/x')), '203 a/b back /x', 'through' };
};

done_testing;
