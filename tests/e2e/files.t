# What a static worker makes of files: compressed forms, freshness, error pages, listings, links; and files that change.
use strict;
use warnings;
use File::Temp              ();
use IO::Uncompress::Gunzip  qw(gunzip);
use Mpsup::Test             qw(new_site free_port request connect_to exchange wait_until);
use Test::More;
use Time::HiRes             qw(time sleep);

my $site = new_site();
my ($docs, $strict) = (free_port(), free_port());
mkdir $site->dir . "/$_" for qw(root root/list root/list/deep root/.well-known pages);
my @words = qw(margin padding color border width height left right top bottom);
my $css   = join '', map { sprintf ".rule%d { %s: %dpx; %s: %dpx }\n", $_ * 7919 % 1000, $words[$_ * 31 % 10], $_ % 17, $words[$_ * $_ % 10], $_ * 13 % 29 } 1 .. 600;
$site->write('root/site.css',                $css);
$site->write('root/app-3f9a8b2c.js',         'let a = 1;');
$site->write('root/page.html',               '<p>page');
$site->write('root/page.html.br',            'not really brotli, but nobody looks');
$site->write('root/list/b & <c>.txt',        'b');
$site->write('root/.well-known/security.txt', 'mail us');
$site->write('root/.secret',                 'no');
$site->write('pages/404.html',               '<p>lost');
$site->write('outside.txt',                  'outside');
symlink 'site.css', $site->dir . '/root/link.css' or die;
symlink '../outside.txt', $site->dir . '/root/out.txt' or die;
$site->must('up', $site->topology(<<"YAML"));
  docs:
    kind: static
    listen: "127.0.0.1:$docs"
    root: root
    expires: {"*.html": 0s, /list/: 1h}
    fingerprinted: on
    listing: on
    error_pages: pages
    types: {css: text/x-css}
  strict: {kind: static, listen: "127.0.0.1:$strict", root: root, symlinks: off, compress: off, precompressed: off}
YAML

sub get {
    my ($path, %headers) = @_;
    return request($docs, $path, headers => \%headers);
}

# A file that has just changed is sent as it is; two seconds later it may be compressed and kept.
wait_until(10, 'the style sheet is compressed', sub { get('/site.css', 'Accept-Encoding' => 'gzip')->{headers}{'content-encoding'} });

subtest 'compressed by us' => sub {
    my $reply = get('/site.css', 'Accept-Encoding' => 'br;q=0.5, gzip');
    my $text;
    gunzip(\$reply->{body} => \$text);
    is $text, $css, 'gzip, undone';
    is $reply->{headers}{vary}, 'Accept-Encoding', 'Vary';
    like $reply->{headers}{etag}, qr/^W\/"/, 'a weak tag';
    is $reply->{headers}{'content-type'}, 'text/x-css; charset=utf-8', 'the type as the topology has it';
    is get('/site.css', 'Accept-Encoding' => 'gzip', 'If-None-Match' => $reply->{headers}{etag})->{status}, 304, 'not modified';
    is get('/site.css')->{body}, $css, 'as it is for whoever takes nothing else';
    is get('/site.css', 'Accept-Encoding' => 'gzip', Range => 'bytes=0-4')->{body}, substr($css, 0, 5), 'parts are of the file itself';
    is get('/site.css', 'Accept-Encoding' => 'identity;q=0, *;q=0')->{status}, 406, 'nothing is acceptable';
    # A second request has a thread do it better; its result is the same text.
    my $length = length $reply->{body};
    wait_until(30, 'it gets smaller', sub {
        my $better = get('/site.css', 'Accept-Encoding' => 'gzip');
        return 0 if length $better->{body} >= $length;
        gunzip(\$better->{body} => \$text);
        return $text eq $css;
    });
    ok !request($strict, '/site.css', headers => {'Accept-Encoding' => 'gzip'})->{headers}{'content-encoding'}, 'compress: off';
};

subtest 'compressed beside the file' => sub {
    my $reply = get('/page.html', 'Accept-Encoding' => 'gzip, br');
    is $reply->{body}, 'not really brotli, but nobody looks', 'what lies there';
    is $reply->{headers}{'content-encoding'}, 'br', 'Content-Encoding';
    is $reply->{headers}{'content-type'}, 'text/html; charset=utf-8', 'Content-Type of the original';
    is get('/page.html', 'Accept-Encoding' => 'br', Range => 'bytes=0-2')->{body}, 'not', 'a part of it';
    is request($strict, '/page.html', headers => {'Accept-Encoding' => 'br'})->{body}, '<p>page', 'precompressed: off';
};

subtest 'how long files are good' => sub {
    is get('/page.html')->{headers}{'cache-control'}, 'no-cache', '0s';
    is get('/list/b%20%26%20%3Cc%3E.txt')->{headers}{'cache-control'}, 'max-age=3600', 'below a folder';
    is get('/app-3f9a8b2c.js')->{headers}{'cache-control'}, 'max-age=31536000, immutable', 'a name with a digest';
    ok !defined get('/site.css')->{headers}{'cache-control'}, 'nothing is said';
};

subtest 'what is served' => sub {
    is get('/.well-known/security.txt')->{status}, 200, 'well-known';
    is get('/.secret')->{status}, 404, 'dot files are not';
    is get('/link.css')->{body}, $css, 'links inside';
    is get('/out.txt')->{status}, 404, 'links that lead out';
    is request($strict, '/link.css')->{status}, 404, 'no links where they are off';
    my $list = get('/list/');
    is $list->{status}, 200, 'a listing';
    is $list->{headers}{'content-type'}, 'text/html; charset=utf-8', 'its type';
    like $list->{body}, qr{<a href="\./deep/">deep/</a>.*<a href="\./b%20&amp;%20%3Cc%3E\.txt">b &amp; &lt;c&gt;\.txt</a>}s, 'its rows';
    is request($strict, '/list/')->{status}, 404, 'off by default';
};

subtest 'error pages' => sub {
    my $reply = get('/none');
    is "$reply->{status} $reply->{body}", '404 <p>lost', 'a page';
    is $reply->{headers}{'content-type'}, 'text/html; charset=utf-8', 'its type';
    $site->write('pages/404.html', '<p>nothing there');
    wait_until(3, 'the page has changed', sub { get('/none')->{body} eq '<p>nothing there' });
    is request($docs, '/none', method => 'HEAD')->{headers}{'content-length'}, length '<p>nothing there', 'HEAD';
};

# Fault 67: every reply is one version, and a tag is of one content.
subtest 'files that are replaced while they are sent' => sub {
    my $dir = $site->dir . '/root';
    my %of_tag;
    for my $size (2_000, 300_000) {
        my $n   = 0;
        my $end = time + 2.5;
        my $bad = 0;
        my $socket = connect_to($docs);
        my %seen;
        while (time < $end) {
            if ($n++ % 20 == 0) {
                $site->write("root/new", chr(ord('a') + $n / 20 % 26) x ($size + $n));
                rename "$dir/new", "$dir/changing.bin" or die;
            }
            my $reply = exchange($socket, "GET /changing.bin HTTP/1.1\r\nHost: a\r\n\r\n");
            my $letter = substr $reply->{body}, 0, 1;
            ++$bad if $reply->{status} != 200 || $reply->{body} ne $letter x length $reply->{body};
            my $version = "$letter " . length $reply->{body};
            ++$bad if ($of_tag{ $reply->{headers}{etag} } //= $version) ne $version;
            ++$seen{$version};
        }
        is $bad, 0, "$n replies of $size bytes and more";
        cmp_ok scalar(keys %seen), '>', 1, 'of several versions';
        my $until = time + 2.5; # from then on it is kept
        get('/changing.bin') while time < $until;
        my $last = 'last' x $size;
        $site->write('root/new', $last);
        rename "$dir/new", "$dir/changing.bin" or die;
        my $start = time;
        wait_until(3, 'the last version is there', sub { get('/changing.bin')->{body} eq $last });
        cmp_ok time - $start, '<', 1.5, 'within a second';
    }
};

subtest 'a file that is not in memory' => sub {
    my $large = join '', map { pack 'N', $_ } 1 .. 2_000_000;
    $site->write('root/cold.bin', $large);
    # Writes it out and lets go of its pages.
    system 'dd', "of=" . $site->dir . '/root/cold.bin', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none';
    my $reply = get('/cold.bin');
    ok $reply->{body} eq $large, 'is whole';
    system 'dd', "of=" . $site->dir . '/root/cold.bin', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none';
    ok get('/cold.bin', Range => 'bytes=5000000-6999999')->{body} eq substr($large, 5_000_000, 2_000_000), 'so is a part of it';
};

done_testing;
