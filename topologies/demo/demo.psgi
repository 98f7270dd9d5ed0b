# The demo application: pages, forms, uploads, downloads, pictures, and relative links in every position that HTML, CSS and
# HTTP have for one. Every link is relative, so it may be mounted anywhere; its files are below static/ of where it is.
# Runs by itself as well: plackup demo.psgi
use strict;
use warnings;
use utf8;
use Digest::SHA ();
use Encode      ();
use Plack::Request;
use Plack::Util ();

my $folder = __FILE__ =~ s{[^/]*\z}{}r || './';
my $report = "${folder}report.csv";

my %page = (
    '/'           => \&overview,
    '/links'      => \&links,
    '/deep/below' => \&links,
    '/frame'      => \&frame,
    '/form'       => \&form,
    '/upload'     => \&upload,
    '/count'      => \&count,
    '/download'   => \&download,
    '/picture'    => \&picture,
    '/stream'     => \&stream,
    '/refresh'    => \&refresh,
    '/moved'      => sub { [302, [Location => 'deep/below?from=moved'], []] },
    '/fields'     => \&fields,
    '/error'      => \&failing,
    '/healthy'    => sub { [200, ['Content-Type' => 'text/plain'], ["ok\n"]] },
);

# Pages

sub escaped {
    my ($text) = @_;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    return $text =~ s/([&<>"])/$entity{$1}/gr;
}

# `up` leads to the folder that the application is mounted at: "" or "../".
sub html {
    my ($title, $body, %more) = @_;
    my $up   = $more{up} // '';
    my $head = $more{head} // '';
    my $text = <<"HTML";
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · mpsup demo</title>
<link rel="stylesheet" href="${up}static/demo.css">
<link rel="icon" href="${up}static/logo.svg" type="image/svg+xml">
<script src="${up}static/demo.js" defer></script>
$head</head>
<body>
<header>
<a href="${up}./"><img src="${up}static/logo.svg" alt="Start page" width="40" height="40"></a>
<nav aria-label="Pages">
<a href="${up}links">Links</a> <a href="${up}form">Form</a> <a href="${up}upload">Upload</a>
<a href="${up}download">Download</a> <a href="${up}count">Cookie</a> <a href="${up}stream">Stream</a>
<a href="${up}static/about.html">About</a> <a href="${up}../">gitweb</a>
</nav>
</header>
<main>
<h1>$title</h1>
$body</main>
</body>
</html>
HTML
    return [$more{status} // 200, ['Content-Type' => 'text/html; charset=utf-8', @{ $more{fields} // [] }], [Encode::encode('UTF-8', $text)]];
}

sub overview {
    return html('A demo with everything in it', <<'HTML');
<p>Pages come from Perl, <a href="static/demo.css">style sheets</a>, scripts and images from files. Who hands out which depends on
the layout; the pages and their links are the same in each.</p>
<ul>
<li><a href="links">Links in every position</a>, the same from <a href="deep/below">a folder below</a>, and from <a href="static/about.html">a file</a></li>
<li><a href="form">A form</a> that is sent by GET or POST</li>
<li><a href="upload">An upload</a>, whose digest is shown</li>
<li><a href="download">A download</a>, of which parts may be asked for</li>
<li><a href="picture?bars=3,1,4,1,5">A picture</a> that is drawn when it is asked for</li>
<li><a href="count">A cookie</a> that counts</li>
<li><a href="moved">A redirect</a>, <a href="refresh">a page that leads on</a>, <a href="fields">links in the fields of a response</a></li>
<li><a href="stream">A page that comes in pieces</a></li>
</ul>
<form method="post" action="error"><button>An error</button></form>
HTML
}

sub links {
    my ($request) = @_;
    my $up = $request->path_info =~ m{\A/deep/} ? '../' : '';
    return html('Links in every position', <<"HTML", up => $up, head => <<"HEAD");
<p style="background-image: url(${up}static/paper.svg)">A style attribute, and a <span class="logo">style sheet of the page</span>.</p>
<p><img src="${up}static/logo.svg" srcset="${up}static/logo.svg 1x, ${up}picture?bars=1,2,3 2x" alt="A logo in two densities" width="40" height="40">
<picture><source srcset="${up}static/paper.svg" type="image/svg+xml"><img src="${up}static/logo.png" alt="Paper" width="40" height="40"></picture>
<video poster="${up}static/poster.svg" width="80" height="60" controls></video>
<object data="${up}static/logo.svg" type="image/svg+xml" width="40" height="40"><a href="${up}static/logo.svg">The logo</a></object></p>
<iframe src="${up}frame" title="Another page within this one" width="300" height="60"></iframe>
<blockquote cite="${up}static/about.html">What a page quotes it may <q cite="${up}./">cite</q>.</blockquote>
<form action="${up}form" method="get"><label>Looking for <input name="word"></label> <button>By form</button>
<button formaction="${up}count">By button</button></form>
<ul>
<li><a href="${up}./">The folder</a>, <a href="?again">a query alone</a>, <a href="#here" id="here">a fragment alone</a></li>
<li><a href="${up}static/../static/about.html">Dots in a path</a>, <a href="${up}form?word=caf%C3%A9&amp;lang=fr">references to characters</a></li>
<li><a href="${up}download" ping="${up}healthy">A download</a>, <map name="areas"><area href="${up}picture?bars=2,2" alt="A picture"></map></li>
</ul>
HTML
<link rel="preload" as="image" href="${up}static/paper.svg" imagesrcset="${up}static/paper.svg 1x, ${up}static/logo.svg 2x">
<style>.logo { padding-left: 2em; background: url("${up}static/logo.svg") left / 1.5em no-repeat }</style>
HEAD
}

sub frame {
    return html('A page in a frame', qq{<p><a href="links" target="_top">Back</a></p>\n});
}

sub form {
    my ($request) = @_;
    my @rows;
    $request->parameters->each(sub { push @rows, [@_] });
    my $rows = join '', map { '<tr><th scope="row">' . escaped($_->[0]) . '</th><td>' . escaped($_->[1]) . "</td></tr>\n" }
        map { [map { Encode::decode('UTF-8', $_) } @$_] } sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } @rows;
    my $table = $rows ? '<table><caption>Sent by ' . $request->method . "</caption>\n$rows</table>\n" : "<p>Nothing was sent.</p>\n";
    my $fields = '<label>A word <input name="word"></label> <label>A language <select name="lang"><option>en<option>fr</select></label>';
    return html('A form', <<"HTML");
$table<form method="get" action="form">$fields <button>Send by GET</button></form>
<form method="post" action="form">$fields <button>Send by POST</button></form>
HTML
}

sub upload {
    my ($request) = @_;
    my $file   = $request->method eq 'POST' ? $request->uploads->{file} : undef;
    my $result = '';
    if ($file) {
        my $digest = Digest::SHA->new(256)->addfile($file->path)->hexdigest;
        $result = sprintf "<p role=\"status\"><strong>%s</strong>: %d bytes, SHA-256 <code>%s</code></p>\n",
            escaped(Encode::decode('UTF-8', $file->filename)), $file->size, $digest;
    }
    return html('An upload', <<"HTML");
$result<form method="post" action="upload" enctype="multipart/form-data"><label>A file <input type="file" name="file" required></label> <button>Send</button></form>
HTML
}

sub count {
    my ($request) = @_;
    my ($count) = ($request->cookies->{visits} // '') =~ /\A([0-9]{1,6})\z/;
    $count = 1 + ($count // 0);
    my $path = $request->script_name . '/';
    return html('A cookie', "<p>You were here <strong>$count</strong> times. <a href=\"count\">Once more</a></p>\n",
        fields => ['Set-Cookie' => "visits=$count; Path=$path; HttpOnly; SameSite=Lax", 'Cache-Control' => 'no-store']);
}

sub refresh {
    return html('A page that leads on', qq{<p>To <a href="links">the links</a>, in a minute.</p>\n}, head => qq{<meta http-equiv="refresh" content="60; url=links">\n});
}

sub fields {
    return html('Links in the fields of a response', "<p>Link, Refresh and Content-Location.</p>\n", fields => [
        'Link'             => '<static/paper.svg>; rel=preload; as=image, <links>; rel=next',
        'Refresh'          => '60; url=links',
        'Content-Location' => 'fields',
    ]);
}

sub failing {
    my ($request) = @_;
    return html('Something went wrong', "<p>This page was asked to fail, and did. <a href=\"./\">Back</a></p>\n", status => 500);
}

# Other contents

# A file, or one part of it, as a handle: the server sends it by itself.
sub download {
    my ($request) = @_;
    open my $handle, '<:raw', $report or die "$report: $!\n";
    my $size   = -s $handle;
    my @fields = ('Content-Type' => 'text/csv; charset=utf-8', 'Content-Disposition' => 'attachment; filename="report.csv"',
        'Accept-Ranges' => 'bytes', 'Cache-Control' => 'public, max-age=60'); # an accelerator may keep it, and hand out parts itself
    my ($first, $last) = ($request->header('Range') // '') =~ /\Abytes=([0-9]{0,15})-([0-9]{0,15})\z/;
    return [200, [@fields, 'Content-Length' => $size], $handle] if !length($first // '') and !length($last // '');
    ($first, $last) = ($size > $last ? $size - $last : 0, $size - 1) if $first eq '';
    $last = $size - 1 if $last eq '' or $last >= $size;
    return [416, ['Content-Range' => "bytes */$size"], []] if $first > $last;
    seek $handle, $first, 0;
    read $handle, my $part, $last - $first + 1;
    return [206, [@fields, 'Content-Range' => "bytes $first-$last/$size", 'Content-Length' => length $part], [$part]];
}

sub picture {
    my ($request) = @_;
    my @bars  = grep { /\A[0-9]\z/ } split /,/, $request->query_parameters->{bars} // '';
    my $bars  = join '', map { sprintf qq{<rect x="%d" y="%d" width="8" height="%d"/>}, 10 * $_, 90 - 10 * $bars[$_], 10 * $bars[$_] } 0 .. $#bars;
    my $width = 10 * (@bars || 1);
    return [200, ['Content-Type' => 'image/svg+xml', 'Cache-Control' => 'public, max-age=60'],
        [qq{<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width 90" fill="#3a6ea5">$bars</svg>\n}]];
}

# In pieces as they are made; under a server that cannot do that, at once.
sub stream {
    my ($request) = @_;
    my ($status, $fields, $body) = @{ html('A page that comes in pieces', "<ol>\n<!-- pieces -->\n</ol>\n") };
    my ($before, $after) = split /<!-- pieces -->\n/, $body->[0];
    my @pieces = ($before, (map { "<li>Piece $_</li>\n" } 1 .. 20), $after);
    return [$status, $fields, \@pieces] unless $request->env->{'psgi.streaming'};
    return sub {
        my ($responder) = @_;
        my $writer = $responder->([$status, $fields]);
        $writer->write($_) for @pieces;
        $writer->close;
    };
}

# Where nobody else hands them out.
my $files;
if (!defined $ENV{MPSUP_SITE}) {
    require Plack::App::File;
    $files = Plack::App::File->new(root => "${folder}../public/demo/static")->to_app;
}

sub {
    my ($env) = @_;
    my $path = $env->{PATH_INFO};
    return [301, [Location => $env->{SCRIPT_NAME} . '/'], []] if $path eq '';
    return $files->({%$env, SCRIPT_NAME => "$env->{SCRIPT_NAME}/static", PATH_INFO => $1}) if $files and $path =~ m{\A/static(/.*)\z};
    my $request = Plack::Request->new($env);
    my $answer  = $page{$path} or return html('There is no such page', "<p><a href=\"./\">Back</a></p>\n", status => 404);
    return $answer->($request);
};
