# Two servers of one site, and links from the pages of one to paths of the other: left alone, redirected, rewritten.
use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until);
use Test::More;
use Time::HiRes qw(time);

my $site = new_site();
my ($docs, $app, $cgi) = (free_port(), free_port(), free_port());
my ($files, $pages) = ("http://127.0.0.1:$docs", "http://127.0.0.1:$app");
mkdir $site->dir . "/$_" for qw(root root/static scripts);

# A link in every position of a page; STATIC and APP stand for what comes before a path.
my $everywhere = <<'HTML';
<!DOCTYPE html><html><head><title>/static/</title>
<link rel=stylesheet href=STATIC/static/a.css><link rel="icon" href='STATIC/static/i.png'>
<meta http-equiv=refresh content="5; url=STATIC/static/later">
<style>@import "STATIC/static/i.css"; a { background: url(STATIC/static/b.png) }</style>
<script src="STATIC/static/s.js">var url = "/static/not-a-link";</script></head>
<body background="STATIC/static/bg.png" style="color: url('STATIC/static/c.png')">
<!-- <a href="/static/comment"> -->
<a href="STATIC/static/x?a=1&amp;b=2#f">a</a> <a href="/app/y">own</a> <a href=z>relative</a> <a href="http://other.example/static/">
<img src=STATIC/static/p.png srcset="STATIC/static/1.png 1x, /own.png 2x" longdesc="STATIC/static/d">
<form action="STATIC/static/f"><button formaction="STATIC/static/g"></form>
<video poster="STATIC/static/v.jpg" src="STATIC/static/v.mp4"></video><object data="STATIC/static/o"></object>
<blockquote cite="STATIC/static/q"><iframe src="STATIC/static/if"></iframe><a ping="STATIC/static/pi" href="#/static/"></a>
HTML
(my $before  = $everywhere) =~ s/STATIC//g;
(my $right   = $everywhere) =~ s/STATIC/$files/g;
my $broken   = qq{<table><a href=/static/a <b>x</i></p><p <i>><td></x y="/static/n"><a HREF = '/static/b' href="/static/n">y<a href="/static/n\n};
my $long     = '<p>' . 'x' x 100 . "</p>\n";
$site->write('page.html', $before);
$site->write('app.psgi', <<'APP' =~ s/DIR/$site->dir/ger =~ s/OWN/127.0.0.1:$app/gr);
use strict;
use warnings;
use Time::HiRes qw(sleep);
use Mpsup::Links qw(static_url dynamic_url url_for);
open my $in, '<', 'DIR/page.html' or die;
my $page = do { local $/; <$in> };
my @html = ('Content-Type' => 'text/html; charset=utf-8');
my $large = $page x (10_000_000 / length $page);
sub stream {
    my ($pause, @pieces) = @_;
    return sub {
        my $writer = $_[0]->([200, [@html]]);
        for my $i (0 .. $#pieces) { sleep $pause if $pause and $i; $writer->write($pieces[$i]) or last }
        $writer->close;
    };
}
my %answer = (
    '/'          => sub { [200, [@html, ETag => '"v1"', 'Last-Modified' => 'Sun, 01 Nov 2026 00:00:00 GMT', 'Accept-Ranges' => 'bytes', 'Content-MD5' => 'x', Digest => 'y'], [$page]] },
    '/seen'      => sub { [200, ['Content-Type' => 'text/plain'], [join ' ', map { $_ // '' } @{ $_[0] }{qw(HTTP_IF_NONE_MATCH HTTP_IF_MODIFIED_SINCE)}]] },
    '/announced' => sub { [200, [@html, 'Content-Length' => length $page], [$page]] },
    '/handle'    => sub { open my $file, '<', 'DIR/page.html' or die; [200, [@html], $file] },
    '/bytes'     => sub { stream(0, split //, $page) },
    '/cut'       => sub { my ($at) = $_[0]{QUERY_STRING} =~ /(\d+)/; stream(0, substr($page, 0, $at), substr $page, $at) },
    '/slow'      => sub { stream(1.2, '<a href=/static/a>', '<a href=/static/b>') },
    '/flushed'   => sub { sub { my $w = $_[0]->([200, [@html]]); $w->write('<a href=/static/a>'); $w->flush; $w->write('.'); $w->close } },
    '/large'     => sub { [200, [@html], [$large]] },
    '/large-streamed' => sub { stream(0, $large =~ /(.{1,50000})/gs) },
    '/echo'      => sub { $_[0]{'psgi.input'}->read(my $body, 10_000); [200, ['Content-Type' => 'text/html'], [$body]] },
    '/utf16'     => sub { [200, ['Content-Type' => 'text/html; charset=utf-16'], [$page]] },
    '/unknown'   => sub { [200, ['Content-Type' => 'text/html; charset=x-nobody-knows'], [$page]] },
    '/latin1'    => sub { [200, ['Content-Type' => 'text/html; charset=iso-8859-1'], ["<a href=/static/\xe4>\xf6"]] },
    '/gzip'      => sub { [200, [@html, 'Content-Encoding' => 'gzip'], [$page]] },
    '/untouchable' => sub { [200, [@html, 'Cache-Control' => 'no-transform'], [$page]] },
    '/part'      => sub { [206, [@html, 'Content-Range' => 'bytes 0-9/20'], ['<a href=/s']] },
    '/css'       => sub { [200, ['Content-Type' => 'text/css'], ['@import "/static/a.css"; a { b: url( /static/b ); c: url(x) }']] },
    '/json'      => sub { [200, ['Content-Type' => 'application/json'], ['{"a":"<a href=/static/a>"}']] },
    '/moved'     => sub { [302, [Location => '/static/there?a=b', @html], ['<a href=/static/there>']] },
    '/moved-here' => sub { [302, [Location => '/here'], []] },
    '/fields'    => sub { [200, ['Content-Type' => 'text/plain', Link => '</static/a.css>; rel=preload, </own>; rel=next',
                                 Refresh => '3;url=/static/r', 'Content-Location' => '/static/c'], ['/static/']] },
    '/own'       => sub { [302, [Location => 'http://OWN/x', 'Content-Location' => 'http://OWN/y', Refresh => '1; url=http://OWN/z',
                                 Link => '<http://OWN/l>; rel=next', 'Set-Cookie' => 'a=b; Domain=127.0.0.1; Path=/'], []] },
    '/env'       => sub { [200, ['Content-Type' => 'text/plain'], [join "\n", map { $_ // '' } @{ $_[0] }{qw(mpsup.url.static mpsup.url.dynamic)}]] },
    '/module'    => sub { [200, ['Content-Type' => 'text/plain'], [join "\n", static_url('/static/a'), dynamic_url('/b?c'), url_for('/static/d#e'), url_for('/f'), url_for('g')]] },
);
sub {
    my $env = shift;
    return [304, [ETag => '"v1"'], []] if $env->{PATH_INFO} eq '/' and ($env->{HTTP_IF_NONE_MATCH} // '') =~ /"v1"/;
    return ($answer{ $env->{PATH_INFO} } // sub { [404, [@html], ["<a href=/static/home>nothing at $env->{PATH_INFO}</a>"]] })->($env);
};
APP
my @scripts = (page => "print qq{Content-Type: text/html\\n\\n}; open my \$in, '<', '../page.html' or die; print while <\$in>",
    moved => 'print "Status: 302\nLocation: http://127.0.0.1:' . $cgi . '/static/x\n\n"',
    env   => 'print "Content-Type: text/plain\n\n$ENV{MPSUP_STATIC_URL} $ENV{MPSUP_DYNAMIC_URL}"',
    module => 'use Mpsup::Links qw(url_for); print "Content-Type: text/plain\n\n", url_for("/static/a")');
while (my ($name, $code) = splice @scripts, 0, 2) {
    for my $file ("$name.cgi", "forked-$name.cgi") {
        $site->write("scripts/$file", "#!/usr/bin/perl\n$code;\n");
        chmod 0755, $site->dir . "/scripts/$file";
    }
}
$site->write('scripts/forked-slow.cgi', qq{#!/usr/bin/perl\n\$| = 1; print "Content-Type: text/html\\n\\n<a href=/static/a>"; sleep 8\n});
chmod 0755, $site->dir . '/scripts/forked-slow.cgi';
$site->write('root/static/p.html', '<a href=/cart>cart</a><a href=b.html>b</a><img src="../logo.png">' . $long x 40);
$site->write('root/static/long.html', '<a href=/cart>' . $long x 40);
$site->write('root/static/s.css',  'a { b: url(/app.png); c: url(own.png) }');
$site->write('root/static/t.txt',  '<a href=/cart>');
my $row = '<tr><td><a href="URL/cart">cart</a></td><td><img src="/static/i.png" alt=""></td></tr>';
$site->write('root/static/rows.html', ($row x 12_000) =~ s/URL//gr);
$site->write('root/static/large.html', '<a href=/cart>' . $long x 100_000);
my $static_right = qq{<a href=$pages/cart>cart</a><a href=b.html>b</a><img src="$pages/logo.png">} . $long x 40;

sub topology {
    my ($mode, %more) = @_;
    my $public = $more{public} ? "\n    public: $more{public}" : '';
    return $site->write('site.yaml', <<"YAML");
site: test
links: $mode
workers:
  docs:
    kind: static
    listen: "127.0.0.1:$docs"
    root: root
    serves: [/static/]$public
    health: {path: /static/t.txt}
  app: {kind: dynamic, listen: "127.0.0.1:$app", app: app.psgi, pool: 1, health: {path: /json}}
YAML
}

sub get { my ($path, %headers) = @_; return request($app, $path, headers => \%headers) }

# What was counted of pages by now.
sub counted { my ($worker, $what) = @_; return ($site->worker($worker)->{pages} // {})->{$what} // 0 }

subtest 'off: nothing is touched, the application asks' => sub {
    $site->must('up', topology('off'));
    is get('/')->{body}, $before, 'the page as the application made it';
    is get('/moved')->{headers}{location}, '/static/there?a=b', 'Location';
    is get('/static/a')->{status}, 404, 'a path of the other one';
    is request($docs, '/cart')->{status}, 404, 'and there';
    is request($docs, '/static/s.css')->{body}, 'a { b: url(/app.png); c: url(own.png) }', 'a file';
    is get('/env')->{body}, "$files\n$pages", 'mpsup.url.static and mpsup.url.dynamic';
    is get('/module')->{body}, "$files/static/a\n$pages/b?c\n$files/static/d#e\n$pages/f\ng", 'Mpsup::Links';
    is $site->worker($_)->{pages}, undef, "$_ counts nothing" for qw(docs app);
};

subtest 'another mode replaces both' => sub {
    like $site->must('plan', topology('redirect')), qr/replace docs .*links.*replace app .*links/s, 'plan says so';
    my %generation = map { ($_ => $site->worker($_)->{generation}) } qw(docs app);
    $site->must('up', topology('redirect'));
    is $site->worker($_)->{generation}, $generation{$_} + 1, "$_ is new" for qw(docs app);
    unlike $site->must('plan', topology('redirect')), qr/replace/, 'and nothing more is to be done';
};

subtest 'redirect: the wrong server names the right one' => sub {
    my $there = get('/static/a%20b?x=1');
    is $there->{status}, 307, 'the status of a redirect';
    is $there->{headers}{location}, "$files/static/a%20b?x=1", 'with path and query as they came';
    is $there->{headers}{'cache-control'}, 'no-store', 'which nobody is to keep';
    my $back = request($docs, '/cart');
    is "$back->{status} $back->{headers}{location}", "307 $pages/cart", 'the other way round';
    is request($docs, '/cart', method => 'HEAD')->{status}, 307, 'HEAD';
    my $post = get('/static/x');
    for my $port ($docs, $app) {
        my $path  = $port == $docs ? '/cart' : '/static/form';
        my $reply = request($port, $path, method => 'POST', body => 'a=b');
        is $reply->{status}, 308, 'POST: 308, with its content';
    }
    is request($docs, '/static/t.txt')->{status}, 200, 'its own is answered';
    is get('/json')->{status}, 200, 'there too';
    is get('/')->{body}, $before, 'pages are not touched';
    my $reply = exchange(connect_to($docs), "GET /cart HTTP/1.1\r\nHost: 127.0.0.1:$app\r\nConnection: close\r\n\r\n");
    is $reply->{status}, 404, 'a client who came under the other name is not sent round';
    for my $path ('/static/../cart', '/static/%2e%2e/cart', '//static/x', '/static%2fx') {
        my ($port, $steps) = ($app, 0);
        while ($steps < 3) {
            my $answer = request($port, $path);
            last if $answer->{status} !~ /^30[78]$/;
            ($port) = $answer->{headers}{location} =~ m{\Ahttp://127\.0\.0\.1:(\d+)};
            ++$steps;
        }
        cmp_ok $steps, '<=', 1, "no loop: $path";
    }
};

subtest 'redirect: a worker on every address is named as the client named the other' => sub {
    $site->must('up', $site->write('wild.yaml', <<"YAML"));
site: test
links: redirect
workers:
  docs: {kind: static, listen: "127.0.0.1:$docs", root: root, serves: [/static/], health: {path: /static/t.txt}}
  app: {kind: dynamic, listen: "0.0.0.0:$app", app: app.psgi, pool: 1, health: {path: /json}}
YAML
    my $ask = sub {
        my ($port, $path, $host) = @_;
        return exchange(connect_to($port), "GET $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n")->{headers}{location};
    };
    is $ask->($docs, '/cart', "shop.example:$docs"), "http://shop.example:$app/cart", 'a name';
    is $ask->($docs, '/cart', "10.0.0.7:$docs"), "http://10.0.0.7:$app/cart", 'an address';
    is $ask->($app, '/static/a', "shop.example:$app"), "$files/static/a", 'not one on an address of its own';
};

subtest 'rewrite: pages of the application' => sub {
    $site->must('up', topology('rewrite'));
    for my $path (qw(/ /announced /handle /bytes)) {
        my $reply = get($path);
        is $reply->{body}, $right, $path;
        is $reply->{headers}{'content-length'}, length $right, "$path: its length";
    }
    my $bad = 0;
    for my $at (map { $_ * 29 } 1 .. length($before) / 29) { $bad++ if get("/cut?$at")->{body} ne $right }
    is $bad, 0, 'wherever it is cut';
    is get('/css')->{body}, qq{\@import "$files/static/a.css"; a { b: url( $files/static/b ); c: url(x) }}, 'a style sheet';
    is get('/json')->{body}, '{"a":"<a href=/static/a>"}', 'nothing else';
    is get('/nowhere')->{body}, "<a href=$files/static/home>nothing at /nowhere</a>", 'the page of an error';
    is get('/latin1')->{body}, "<a href=$files/static/\xe4>\xf6", 'an encoding with ASCII in it';
    my $changed = request($app, '/echo', body => $broken, method => 'POST')->{body};
    is $changed, $broken =~ s{(?=/static/[ab])}{$files}gr, 'broken HTML is the same but for links';
    is get('/cut?5', Connection => 'close')->{body}, $right, 'and again';
};

subtest 'rewrite: fields' => sub {
    is get('/moved')->{headers}{location}, "$files/static/there?a=b", 'Location';
    is get('/moved')->{body}, "<a href=$files/static/there>", 'and the page with it';
    is get('/moved-here')->{headers}{location}, '/here', 'its own stays';
    my $fields = get('/fields')->{headers};
    is $fields->{link}, "<$files/static/a.css>; rel=preload, </own>; rel=next", 'Link';
    is $fields->{refresh}, "3;url=$files/static/r", 'Refresh';
    is $fields->{'content-location'}, "$files/static/c", 'Content-Location';
    my $page = get('/')->{headers};
    like $page->{etag}, qr{\AW/"v1-l[0-9a-f]{6}s"\z}, 'the tag is weak: other bytes, the same page; and says by which map';
    my $tag = $page->{etag};
    is $page->{$_}, undef, "no $_: it was of other bytes" for qw(content-md5 digest accept-ranges last-modified);
    my $same = get('/', 'If-None-Match' => $tag);
    is "$same->{status} $same->{headers}{etag}", "304 $tag", 'it is known when it comes back';
    is get('/seen', 'If-None-Match' => $tag)->{body}, '"v1" ', 'the application sees its own';
    is get('/seen', 'If-None-Match' => 'W/"v1-l000000s"', 'If-Modified-Since' => 'x')->{body}, ' ', 'and none of other maps';
    my $socket = connect_to($app);
    my $head = exchange($socket, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 'HEAD');
    is $head->{headers}{'content-length'}, undef, 'HEAD does not say a length that GET would not have';
    is $head->{headers}{etag}, $tag, 'but the tag';
    is exchange($socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")->{body}, $right, 'the connection goes on';
    my $old = exchange(connect_to($app), "GET /bytes HTTP/1.0\r\n\r\n");
    is $old->{headers}{'content-length'}, length $right, 'HTTP/1.0';
};

subtest 'rewrite: what passes untouched, and is counted' => sub {
    my %why = (
        '/utf16' => 'charset', '/unknown' => 'charset', '/gzip' => 'coding', '/untouchable' => 'unwanted', '/part' => 'partial',
        '/large' => 'too_large', '/large-streamed' => 'too_large', '/slow' => 'streamed', '/flushed' => 'streamed',
    );
    for my $path (sort keys %why) {
        my $count = counted('app', $why{$path});
        my $reply = get($path);
        unlike $reply->{body}, qr/\Q$files\E/, "$path: as it came";
        is length $reply->{body}, int(10_000_000 / length $before) * length $before, "$path: all of it" if $path =~ /large/;
        wait_until(5, "$path is counted as $why{$path}", sub { counted('app', $why{$path}) == $count + 1 });
    }
    is get('/part')->{headers}{'content-range'}, 'bytes 0-9/20', 'a part stays a part';
    cmp_ok counted('app', 'rewritten'), '>', 30, 'and so are those that were rewritten';
    my @said = $site->log_of('app') =~ /links of a page are not rewritten: (.*?);/g;
    my %said;
    $said{$_}++ for @said;
    is scalar(grep { $_ > 1 } values %said), 0, 'the log says each reason once';
    is scalar(keys %said), 6, 'all of them';
};

subtest 'rewrite: files' => sub {
    my $reply = request($docs, '/static/p.html');
    is $reply->{body}, $static_right, 'a page';
    is $reply->{headers}{'content-length'}, length $static_right, 'its length';
    is request($docs, '/static/p.html', headers => {'If-None-Match' => $reply->{headers}{etag}})->{status}, 304, 'its tag';
    is $reply->{headers}{'last-modified'}, undef, 'no date: it would be the same with other links';
    is request($docs, '/static/p.html', headers => {'If-Modified-Since' => 'Fri, 01 Jan 2100 00:00:00 GMT'})->{status}, 200, 'nor a condition with one';
    my $part = request($docs, '/static/p.html', headers => {Range => 'bytes=8-29', 'If-Range' => $reply->{headers}{etag}});
    is "$part->{status} $part->{body}", '206 ' . substr($static_right, 8, 22), 'a part of what is sent';
    is request($docs, '/static/p.html', method => 'HEAD')->{headers}{'content-length'}, length $static_right, 'HEAD';
    is request($docs, '/static/s.css')->{body}, "a { b: url($pages/app.png); c: url(own.png) }", 'a style sheet';
    is request($docs, '/static/t.txt')->{body}, '<a href=/cart>', 'a text';
    is length request($docs, '/static/large.html')->{body}, length('<a href=/cart>') + length($long) * 100_000, 'a large one';
    wait_until(5, 'it is counted', sub { counted('docs', 'too_large') >= 1 });
    my $before  = counted('docs', 'rewritten');
    my @waiting = map { Mpsup::Test::connect_to($docs) } 1 .. 20;
    print {$_} "GET /static/rows.html HTTP/1.1\r\nHost: x\r\n\r\n" for @waiting;
    my $rows = ($row x 12_000) =~ s/URL/$pages/gr;
    is scalar(grep { Mpsup::Test::read_reply($_)->{body} eq $rows } @waiting), 20, 'a page of 1 MB, for all who wait for it';
    wait_until(5, 'it is counted', sub { counted('docs', 'rewritten') > $before });
    is counted('docs', 'rewritten'), $before + 1, 'it was rewritten once';
    $site->write('root/static/p.html', '<a href=/card>');
    wait_until(5, 'a change shows', sub { request($docs, '/static/p.html')->{body} eq "<a href=$pages/card>" });
    my $compressed = wait_until(10, 'it is compressed', sub {
        my $found = request($docs, '/static/long.html', headers => {'Accept-Encoding' => 'gzip'});
        return $found->{headers}{'content-encoding'} && $found;
    });
    gunzip(\$compressed->{body} => \my $text);
    is $text, "<a href=$pages/cart>" . $long x 40, 'and it is the new text that is compressed';
};

subtest 'another public name changes links and tags' => sub {
    my $tag = request($docs, '/static/s.css')->{headers}{etag};
    my $page = get('/')->{headers}{etag};
    $site->must('up', topology('rewrite', public => 'https://static.example.org'));
    is get('/moved')->{headers}{location}, 'https://static.example.org/static/there?a=b', 'the application knows it';
    is get('/env')->{body}, "https://static.example.org\n$pages", 'its environment too';
    is_deeply $site->worker('docs')->{urls}, ['https://static.example.org', $files], 'status names both';
    my $reply = request($docs, '/static/s.css', headers => {'If-None-Match' => $tag});
    is $reply->{status}, 200, 'the tag of a page with other links is another one';
    my $other = get('/', 'If-None-Match' => $page);
    is $other->{status}, 200, 'that of a page of the application too';
    isnt $other->{headers}{etag}, $page, 'which says so';
};

subtest 'an accelerator: nothing is needed, and no backend shows' => sub {
    $site->must('up', $site->write('front.yaml', <<"YAML"));
site: test
workers:
  front: {kind: accelerator, listen: "127.0.0.1:$docs", routes: [{path: /static/, root: root}, {to: "127.0.0.1:$app"}]}
  app: {kind: dynamic, listen: "127.0.0.1:$app", app: app.psgi, pool: 1, health: {path: /json}}
YAML
    my $reply = exchange(connect_to($docs), "GET /own HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n");
    is $reply->{headers}{location}, 'http://www.example.org/x', 'Location';
    is $reply->{headers}{'content-location'}, 'http://www.example.org/y', 'Content-Location';
    is $reply->{headers}{refresh}, '1; url=http://www.example.org/z', 'Refresh';
    is $reply->{headers}{link}, '<http://www.example.org/l>; rel=next', 'Link';
    is $reply->{headers}{'set-cookie'}, 'a=b; Domain=www.example.org; Path=/', 'Set-Cookie';
    unlike join("\n", %{ $reply->{headers} }), qr/:$app/, 'no field names the backend';
    is request($docs, '/')->{body}, $before, 'pages are right as they are';
};

subtest 'CGI' => sub {
    $site->must('up', $site->write('cgi.yaml', <<"YAML"));
site: test
links: rewrite
workers:
  docs: {kind: static, listen: "127.0.0.1:$docs", root: root, serves: [/static/], health: {path: /static/t.txt}}
  app: {kind: dynamic, listen: "127.0.0.1:$cgi", cgi: {dir: scripts, modes: {"forked-*": fork}}, pool: 1, health: {path: /env.cgi}}
YAML
    for my $name ('', 'forked-') {
        is request($cgi, "/${name}page.cgi")->{body}, $right, "${name}page";
        is request($cgi, "/${name}moved.cgi")->{headers}{location}, "$files/static/x", "${name}moved: an absolute link to itself";
        is request($cgi, "/${name}env.cgi")->{body}, "$files http://127.0.0.1:$cgi", "${name}env";
        is request($cgi, "/${name}module.cgi")->{body}, "$files/static/a", "${name}module";
    }
    my $socket = connect_to($cgi);
    my $began  = time;
    print {$socket} "GET /forked-slow.cgi HTTP/1.1\r\nHost: a\r\n\r\n";
    my $text = '';
    while ($text !~ m{/static/a>}) { sysread $socket, $text, 1000, length $text or last }
    like $text, qr{<a href=/static/a>}, 'a program that is silent is not waited for';
    cmp_ok time - $began, '<', 6, 'for long';
};

subtest 'what cannot be' => sub {
    my $common = "site: test\nlinks: rewrite\nworkers:\n  app: {kind: dynamic, listen: \"127.0.0.1:$app\", app: app.psgi}\n";
    my $docs_are = "  docs: {kind: static, listen: \"127.0.0.1:$docs\", root: root";
    my %digest   = map { ($_ => $site->status->{topology}{digest}) } 'now';
    for my $bad (
        ['two with one path', "$docs_are}\n", qr/bad\.yaml:5:9: .*`docs` has every path that is nobody else's.*`app` \(line 4\) has the same/],
        ['a name that is a guess', qq{  docs: {kind: static, listen: "0.0.0.0:$docs", root: root, serves: [/static/]}\n}, qr/bad\.yaml:5:\d+: .*it listens on every address/],
        ['a path that nobody has', "$docs_are, serves: [/static/, /img/]}\n", qr/bad\.yaml:5:\d+: .*`\/img\/` is nobody's/],
        ['a name that is none', "$docs_are, serves: [/static/], public: www.example.org}\n", qr/bad\.yaml:5:\d+: .*`public` must be/],
        ['the same name twice', "$docs_are, serves: [/static/], public: \"http://127.0.0.1:$app\"}\n", qr/bad\.yaml:5:\d+: .*could not tell them apart/],
    ) {
        my ($what, $workers, $message) = @$bad;
        for my $verb (qw(validate up)) {
            my ($code, $out, $err) = $site->mpsup($verb, $site->write('bad.yaml', $common . $workers));
            is $code, 78, "$what: $verb: exit 78";
            like $out . $err, $message, "$what: $verb says where";
        }
    }
    is $site->status->{topology}{digest}, $digest{now}, 'nothing was changed';
};

done_testing();
