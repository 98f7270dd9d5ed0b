# `mpsup links check`: each of these faults is found where it was put, and nothing else is.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port build_dir);
use Test::More;

my $site = new_site();
my $dir  = $site->dir;
my ($files, $pages, $front, $secure, $hidden) = map { free_port() } 1 .. 5;
my ($docs, $app, $face, $tls) = map { "http://127.0.0.1:$_" } $files, $pages, $front, $secure;
$tls =~ s/http/https/;
mkdir "$dir/$_" or die for qw(public public/static own own/download);
$site->write('public/static/a.css',     "a { color: red }\n");
$site->write('public/static/back.html', "<title>x</title>\n\n<a href='../ok'>to Perl</a>");
$site->write('public/static/far.css',   "\n b { background: url(../chart) }");
$site->write('own/download/manual.pdf', "%PDF\n");
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=demo.example -days 3 -keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0
    or plan skip_all => 'openssl makes no certificates here';
# Pages by path: text, or a whole answer. $hidden and the like are put in; PAGE is text/html.
$site->write('app.psgi', <<"PERL");
my \$socket = "$dir/socket-path";
my %page = (
    '/ok'         => '<a href="/ok2">two</a> <a href="$docs/static/a.css">file</a> <a href="https://elsewhere.example/">away</a>',
    '/ok2'        => '<a href="ok">one</a> <form method=post action="/gone"></form><a href="mailto:a\@b.example">mail</a>',
    '/img'        => qq{<p>\\n<img srcset="/ok 1x, /static/a.css 2x">},
    '/style'      => '<p style="background: url(static/a.css)">',
    '/to-back'    => '<a href="$docs/static/back.html">file</a>',
    '/to-far'     => '<a href="$docs/static/far.css">file</a>',
    '/leak-text'  => qq{<p>\\n\\nserved by 127.0.0.1:$hidden},
    '/leak-base'  => '<base href="http://127.0.0.1:$hidden/"><a href="x">x</a>',
    '/leak-link'  => [200, ['Content-Type' => 'text/html', Link => '<http://127.0.0.1:$hidden/a>; rel=next'], ['x']],
    '/leak-where' => [302, [Location => 'http://127.0.0.1:$hidden/a'], []],
    '/leak-sock'  => sub { open my \$in, '<', \$socket or die; my \$path = <\$in>; [200, ['Content-Type' => 'text/html'], ["cannot connect to \$path"]] },
    '/loop'       => [302, [Location => '/loop2'], []],
    '/loop2'      => [302, [Location => 'loop'], []],
    '/self'       => [301, [Location => '/self'], []],
    '/endless'    => sub { my (\$n) = \$_[0]{QUERY_STRING} =~ /(\\d+)/; [302, [Location => '/endless?' . (1 + (\$n // 0))], []] },
    '/to-file'    => '<a href="/download/manual.pdf">manual</a>',
    '/logo.png'   => [200, ['Content-Type' => 'image/png', 'Last-Modified' => 'Thu, 20 Feb 2020 20:20:20 GMT'], ['png']],
    '/to-logo'    => '<img src="logo.png">',
    '/chart.png'  => [200, ['Content-Type' => 'image/png'], ['png']],
    '/domain'     => [200, ['Content-Type' => 'text/html', 'Set-Cookie' => 'a=b; Domain=backend.internal'], ['x']],
    '/path'       => [200, ['Content-Type' => 'text/html', 'Set-Cookie' => 'a=b; Path=/internal/'], ['x']],
    '/to-gone'    => qq{<p>\\n<a\\n href="/gone?a&amp;b">x</a>},
    '/to-failing' => '<a href="failing">x</a>',
    '/failing'    => [500, [], ['x']],
    '/limited'    => [429, [], ['x']],
    '/to-limited' => '<a href="limited">x</a>',
    '/private'    => [403, [], ['x']],
    '/packed'     => [200, ['Content-Type' => 'text/html', 'Content-Encoding' => 'gzip'], ["\x1f\x8b"]],
    '/to-packed'  => '<a href="packed">x</a>',
    '/wide'       => [200, ['Content-Type' => 'text/html; charset=utf-16'], ['x']],
    '/long'       => [200, ['Content-Type' => 'text/html'], ["<p>\n" x (9 << 18)]],
    '/odd'        => [200, ['Content-Type' => 'text/html'], [qq{<a href="http://\xe9xample.com/">x</a><a href="/gone">y</a>}]],
    '/trimmed'    => [200, ['Content-Type' => 'text/html', 'Set-Cookie' => 'a=b; Path=/ ; Secure'], ['<a href=private>']],
    '/leak-local' => 'http://localhost:$hidden/',
    '/mixed'      => '<a href="$face/ok2">x</a>',
    '/many'       => join('', map { qq{<a href="n/\$_">\$_</a>} } 1 .. 9),
    '/chart'      => '<p>',
    (map { ("/n/\$_" => 'x') } 1 .. 9),
);
sub {
    my \$page = \$page{ \$_[0]{PATH_INFO} } or return [404, [], ['none']];
    return ref \$page eq 'CODE' ? \$page->(\$_[0]) : ref \$page ? \$page : [200, ['Content-Type' => 'text/html; charset=utf-8'], [\$page]];
};
PERL
my ($none) = $site->mpsup('links', 'check');
is $none, 4, 'without a site there is nothing to check';
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: public, serves: [/static/]}
  app:  {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, root: own, serves: [/download/], health: {path: /ok}}
  front:
    kind: accelerator
    listen: ["127.0.0.1:$front", {address: "127.0.0.1:$secure", tls: on}]
    tls: {cert: cert.pem, key: key.pem}
    routes:
      - {path: /static/, to: "127.0.0.1:$hidden"}
      - {path: /, to: pool}
  back: {kind: static, listen: "127.0.0.1:$hidden", root: public, serves: [/static/]}
  pool: {kind: dynamic, app: app.psgi, health: {path: /ok}}
YAML
my ($pool_socket) = grep { -S } glob "$dir/state/run/test/pool/pool.sock";
$site->write('socket-path', $pool_socket // 'unknown');

# Exit code, and the findings of a check that begins there: [code, what it is about, page, line].
sub check {
    my ($start, @more) = @_;
    my ($code, $out, $err) = $site->mpsup('links', 'check', '--start', $start, '-o', 'json', @more);
    my $document = eval { decode_json($out) } // {findings => [{code => "no JSON: $err"}]};
    return ($code, [map { [@$_{qw(code url page line)}] } @{ $document->{findings} }], $document);
}

my ($code, $findings, $document) = check("$app/ok");
is $code, 0, 'where nothing is wrong' or diag explain $findings;
is_deeply $findings, [], 'nothing is found';
is_deeply {map { $_->{url} => "$_->{status} $_->{worker} $_->{how}" } @{ $document->{pages} }},
    {"$app/ok" => '200 app application', "$app/ok2" => '200 app application', "$docs/static/a.css" => '200 docs files'}, 'and it is said who served what';
($code, $findings, $document) = check("$face/chart");
is_deeply [$code, map { "$_->{worker} $_->{how}" } @{ $document->{pages} }], [0, 'pool application'], 'behind an accelerator too';
($code, $findings, $document) = check("$face/static/a.css");
is_deeply [$code, map { "$_->{worker} $_->{how}" } @{ $document->{pages} }], [0, 'back files'], 'whatever it leads to';
is_deeply [(check("$app/trimmed"))[0, 1]], [0, []], 'a path in white space, and what asks who one is, are not wrong';
is +(check("$face/chart.png"))[0], 0, 'a picture that is made when it is asked for is no file';

my @faults = (
    ['a file by a relative link in srcset',    "$app/img",        ['wrong-tier', "$app/static/a.css", "$app/img", 2]],
    ['a file by a style attribute',            "$app/style",      ['wrong-tier', "$app/static/a.css", "$app/style", 1]],
    ['a page by a link of a file',             "$app/to-back",    ['wrong-tier', "$docs/ok", "$docs/static/back.html", 3]],
    ['a page by a style sheet',                "$app/to-far",     ['wrong-tier', "$docs/chart", "$docs/static/far.css", 2]],
    ['a backend in a page',                    "$face/leak-text", ['leaked-backend', "$face/leak-text", '', 0]],
    ['a backend in <base>',                    "$face/leak-base", ['leaked-backend', "$face/leak-base", '', 0]],
    ['a backend in Link',                      "$face/leak-link", ['leaked-backend', "$face/leak-link", '', 0]],
    ['a backend in Location',                  "$face/leak-where", ['leaked-backend', "$face/leak-where", '', 0]],
    ['a socket in a page',                     "$face/leak-sock", ['leaked-backend', "$face/leak-sock", '', 0]],
    ['two redirects in a circle',              "$app/loop",       ['redirect-loop', "$app/loop", '', 0]],
    ['a redirect to itself',                   "$app/self",       ['redirect-loop', "$app/self", '', 0]],
    ['redirects without end',                  "$app/endless",    ['redirect-loop', "$app/endless?20", "$app/endless?19", 0]],
    ['a file of the heavy worker',             "$app/to-file",    ['heavy-file', "$app/download/manual.pdf", "$app/to-file", 1]],
    ['a file that the application hands out',  "$app/to-logo",    ['heavy-file', "$app/logo.png", "$app/to-logo", 1]],
    ['a cookie for another domain',            "$app/domain",     ['cookie-domain', "$app/domain", '', 0]],
    ['a cookie for another path',              "$app/path",       ['cookie-path', "$app/path", '', 0]],
    ['a link to nothing',                      "$app/to-gone",    ['broken-link', "$app/gone?a&b", "$app/to-gone", 3]],
    ['a link to what fails',                   "$app/to-failing", ['broken-link', "$app/failing", "$app/to-failing", 1]],
    ['a link to what is refused',              "$app/to-limited", ['broken-link', "$app/limited", "$app/to-limited", 1]],
    ['a page that is compressed unasked',      "$app/to-packed",  ['not-checked', "$app/packed", "$app/to-packed", 1]],
    ['a page in UTF-16',                       "$app/wide",       ['not-checked', "$app/wide", '', 0]],
    ['a page that is too long',                "$app/long",       ['not-checked', "$app/long", '', 0]],
    ['a link beside a host that is none',      "$app/odd",        ['broken-link', "$app/gone", "$app/odd", 1]],
    ['a backend by another name',              "$face/leak-local", ['leaked-backend', "$face/leak-local", '', 0]],
    ['a way back from https to http',          "$tls/mixed",      ['mixed-scheme', "$face/ok2", "$tls/mixed", 1]],
);
for my $fault (@faults) {
    my ($what, $start, @expected) = @$fault;
    my ($code, $findings) = check($start);
    is $code, 1, "$what: exit 1";
    is_deeply $findings, \@expected, "$what: found, and nothing else";
}

is_deeply [(check("$app/to-gone", '--exclude', '/gone*'))[0, 1]], [0, []], 'what is excluded is not asked for';
($code, $findings, $document) = check("$app/many", '--max', 4);
is_deeply [$code, scalar @{ $document->{pages} }, $document->{cut}], [1, 4, 'more than 4 pages'], 'so many and no more';
is_deeply $findings, [['not-checked', "$app/n/4", "$app/many", 1]], 'and it says where it stopped';
is $document->{findings}[0]{message}, '6 URLs were not asked for: more than 4 pages', 'and why';
like +($site->mpsup('links', 'check', '--start', "$app/many", '--max', 4, '-o', 'junit'))[1],
    qr{<testsuites tests="5" failures="1">.*<testcase name="\Q$app\E/n/4" classname="links">\s*<failure type="not-checked"}s, 'for CI too';
is +(check('http://127.0.0.1:1/'))[0], 2, 'a start where nobody listens is refused';

my ($status, $out) = $site->mpsup('links', 'check', '--start', "$app/to-gone");
like $out, qr{^200 +app +application +\Q$app\E/to-gone$}m, 'a table for people';
like $out, qr{^broken-link +\Q$app\E/gone\?a&b +\Q$app\E/to-gone:3\n +status 404$}m, 'with what is wrong';
unlike +($site->mpsup('-q', 'links', 'check', '--start', "$app/to-gone"))[1], qr/^200/m, 'and no more than that where it is to be quiet';
($status, $out) = $site->mpsup('links', 'check', '--start', "$app/to-gone", '-o', 'junit');
is $status, 1, 'JUnit';
like $out, qr{<testsuite name="mpsup links check" tests="2" failures="1">}, 'counts';
like $out, qr{<testcase name="\Q$app\E/gone\?a&amp;b" classname="app">\s*<failure type="broken-link" message="status 404">\Q$app\E/to-gone:3</failure>}, 'and is XML';
my @lines = map { decode_json($_) } split /\n/, ($site->mpsup('links', 'check', '--start', "$app/to-gone", '-o', 'jsonl'))[1];
is_deeply $lines[-1], {sum => {pages => 2, findings => 1, notes => 0, cut => ''}}, 'a line each';
is +($site->mpsup('status', '-o', 'junit'))[0], 2, 'JUnit is for links alone';

$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: public, serves: [/static/]}
  app:  {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, health: {path: /ok}}
links: redirect
YAML
($code, $findings, $document) = check("$app/img");
is_deeply [$code, $findings], [0, []], 'where servers redirect, a link to the wrong one arrives';
is_deeply [map { [@$_{qw(code url page line)}] } @{ $document->{notes} }], [['redirected', "$app/static/a.css", "$app/img", 2]], 'which is a note';

done_testing;
