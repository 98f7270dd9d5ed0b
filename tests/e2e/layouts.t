# The shipped layouts: each runs the same two sites, and a crawler that follows every link finds the same in all of them.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use JSON::PP    qw(decode_json encode_json);
use Mpsup::Crawl   qw(crawl fetch same_form);
use Mpsup::Layouts qw(layout_names new_layout bring_up file_paths);
use Mpsup::Test    qw(read_file write_file);
use POSIX ();
use Test::More;

plan skip_all => 'gitweb is not installed' if !-r '/usr/share/gitweb/gitweb.cgi';

my @layouts = map { new_layout($_) } layout_names();
is scalar @layouts, 8, 'eight layouts';
bring_up(@layouts);
my $file_path = file_paths();

# Where a browser asks for a path.
sub server_of {
    my ($layout, $path) = @_;
    return $layout->{ $path =~ $file_path ? 'files' : 'pages' };
}

# What no link leads to.
sub answers {
    my ($layout) = @_;
    my ($boundary, $csv) = ('frontier', "a,b\r\n" x 20_000);
    my $upload = "--$boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a&b.csv\"\r\nContent-Type: text/csv\r\n\r\n$csv\r\n--$boundary--\r\n";
    my %form = ('Content-Type' => 'application/x-www-form-urlencoded');
    my %ask = (
        post     => ['/demo/form', method => 'POST', body => 'word=caf%C3%A9&lang=fr', headers => \%form],
        get      => ['/demo/form?word=%3Cb%3E&word=2'],
        upload   => ['/demo/upload', method => 'POST', body => $upload, headers => {'Content-Type' => "multipart/form-data; boundary=$boundary"}],
        part     => ['/demo/download', headers => {Range => 'bytes=10-19'}],
        end      => ['/demo/download', headers => {Range => 'bytes=-5'}],
        beyond   => ['/demo/download', headers => {Range => 'bytes=9999-'}],
        cookie   => ['/demo/count', headers => {Cookie => 'visits=41'}],
        error    => ['/demo/error', method => 'POST', body => '', headers => \%form],
        none     => ['/demo/none'],
        'no file' => ['/demo/static/none.css'],
        slash    => ['/demo'],
        head     => ['/demo/', method => 'HEAD'],
        'a part of a file' => ['/demo/static/logo.png', headers => {Range => 'bytes=1-3'}],
    );
    fetch(server_of($layout, '/demo/download'), '/demo/download'); # who has it in a cache says 416, who has to ask for it may say 200
    my (%said, %texts);
    for my $name (sort keys %ask) {
        my ($path, %options) = @{ $ask{$name} };
        my $server = server_of($layout, $path);
        my $reply  = fetch($server, $path, %options);
        my %ours   = map { $layout->{$_} => 1 } qw(files pages);
        my $text   = $name =~ /\A(?:no file|beyond)\z/ ? '' : # whose word it is differs
            same_form($reply, "http://$server$path", sub { $ours{ $_[0] } }, sub { });
        $said{$name} = join ' ', $reply->{status}, sha256_hex($text),
            $name eq 'no file' ? () : map { $reply->{headers}{$_} // 'none' } qw(content-range content-disposition set-cookie);
        $texts{$name} = $reply->{body};
    }
    return (\%said, \%texts);
}

sub all_of {
    my ($layout) = @_;
    my ($found, $from) = crawl(
        servers => [@$layout{qw(pages files)}],
        start   => ['/', '/demo/'],
        max     => 1000,
        unlike  => qr/a=snapshot/, # of a tree: it has the time in it
    );
    my ($answers, $texts) = answers($layout);
    return {found => $found, from => $from, answers => $answers, texts => $texts};
}

# Each by a process of its own; with MPSUP_LONG all of them, else one of each kind: gitweb forks for each page.
my @crawled = grep { $ENV{MPSUP_LONG} || $_->{name} =~ /\A(?:one-big|two-ports|accelerated-two-ips|dso)\z/ } @layouts;
my %children;
for my $layout (@crawled) {
    my $out = $layout->{site}->dir . '/crawl.json';
    my $pid = fork // die;
    if (!$pid) {
        my $result = eval { all_of($layout) };
        print STDERR "$layout->{name}: $@" if !$result;
        write_file($out, encode_json($result)) if $result;
        POSIX::_exit($result ? 0 : 1);
    }
    $children{$pid} = [$layout, $out];
}
for my $pid (keys %children) {
    my ($layout, $out) = @{ $children{$pid} };
    waitpid $pid, 0;
    is $?, 0, "$layout->{name}: was crawled";
    $layout->{result} = decode_json(read_file($out) || '{}');
}

my ($reference) = grep { $_->{name} eq 'one-big' } @layouts;
my %expected = %{ $reference->{result}{found} };
for my $path ('/demo/', '/demo/links', '/demo/deep/below', '/demo/frame', '/demo/count', '/demo/download', '/demo/stream', '/demo/static/about.html',
    '/demo/picture?bars=3,1,4,1,5', '/demo/static/print.css', '/demo/static/logo.png', '/static/gitweb.js', '/') {
    like $expected{$path} // '', qr/\A200 /, "$path is found";
}
cmp_ok scalar(grep { m{\A/\?p=} } keys %expected), '>', 20, 'pages of gitweb too';
my @broken = grep { $expected{$_} =~ /\A[45]/ && !m{\A/\?p=} } sort keys %expected; # gitweb has some of its own
is_deeply \@broken, [], 'no link leads nowhere' or diag map { "$_ from $reference->{result}{from}{$_}\n" } @broken;
note scalar(keys %expected), ' paths';

my ($said, $text) = @{ $reference->{result} }{qw(answers texts)};
like $text->{post}, qr{<th scope="row">word</th><td>caf\xc3\xa9</td>}, 'a form comes through';
like $text->{upload}, qr{a&amp;b\.csv</strong>: 100000 bytes, SHA-256 <code>@{[sha256_hex("a,b\r\n" x 20_000)]}<}, 'and an upload';
is length $text->{part}, 10, 'a part of a download';
like $text->{cookie}, qr{<strong>42</strong>}, 'a cookie';
is_deeply { map { $_ => (split ' ', $said->{$_})[0] } qw(error none slash beyond), 'no file' },
    {error => 500, none => 404, slash => 301, beyond => 416, 'no file' => 404}, 'and what goes wrong';

for my $layout (grep { $_ != $reference } @crawled) {
    is_deeply $layout->{result}{found}, \%expected, "$layout->{name}: the same paths, with the same answers";
    is_deeply $layout->{result}{answers}, $said, "$layout->{name}: forms, uploads, downloads and errors too";
}

# Which worker, and which line of which file says so.
my %who = ( # of a page, of a file
    'one-big'               => [['httpd_perl' => 'shared/perl.yaml'], ['httpd_perl' => 'one-big.yaml']],
    'two-ports'             => [['httpd_perl' => 'shared/perl.yaml'], ['httpd_docs' => 'shared/files.yaml']],
    'two-ips'               => [['httpd_perl' => 'shared/perl.yaml'], ['httpd_docs' => 'shared/files.yaml']],
    'dso'                   => [['httpd_perl' => 'shared/perl.yaml'], ['httpd_docs' => 'shared/files.yaml']],
    'accelerated-one-big'   => [['front' => 'accelerated-one-big.yaml', 'httpd_perl' => 'shared/perl.yaml'], ['front' => 'accelerated-one-big.yaml', 'httpd_perl' => 'accelerated-one-big.yaml']],
    'accelerated-two-ports' => [['front' => 'accelerated-two-ports.yaml', 'httpd_perl' => 'shared/perl.yaml'], ['front' => 'accelerated-two-ports.yaml', 'httpd_docs' => 'shared/files.yaml']],
    'accelerated-two-ips'   => [['front' => 'accelerated-two-ips.yaml', 'httpd_perl' => 'shared/perl.yaml'], ['front' => 'accelerated-two-ips.yaml', 'httpd_docs' => 'shared/files.yaml']],
    'accelerated-dso'       => [['front' => 'accelerated-dso.yaml', 'httpd_perl' => 'shared/perl.yaml'], ['front' => 'accelerated-dso.yaml']],
);
for my $layout (@layouts) {
    my ($name, $site) = @$layout{qw(name site)};
    local @ENV{ keys %{ $layout->{ports} } } = values %{ $layout->{ports} }; # lines are those of the file as it is with these
    is $site->status->{layout}, $name, "$name: the layout has its name";
    my $folder = $layout->{file} =~ s{[^/]*\z}{}r;
    # Of gitweb its first page: it has links of its own that lead nowhere.
    my ($code, $out, $err) = $site->mpsup(qw(links check --start / --start /demo/ --exclude /?* -o json));
    is $code, 0, "$name: mpsup links check finds nothing wrong" or diag $err;
    my $checked = eval { decode_json($out) } // {};
    is_deeply $checked->{findings}, [], "$name: in any of its pages";
    my %by = map { $_->{url} => $_->{worker} } @{ $checked->{pages} };
    my $light = $name =~ /one-big/ ? 'httpd_perl' : $name eq 'accelerated-dso' ? 'front' : 'httpd_docs';
    is $by{"http://$layout->{files}/demo/static/demo.css"}, $light, "$name: files are from $light";
    is $by{"http://$layout->{pages}/demo/links"}, 'httpd_perl', "$name: pages from httpd_perl";
    cmp_ok scalar(keys %by), '>', 25, "$name: and it has seen them";
    for my $case ([pages => '/demo/form', 0], [files => '/demo/static/demo.css', 1]) {
        my ($server, $path, $is_file) = @$case;
        my $told = decode_json($site->must('explain', "http://$layout->{$server}$path", '-o', 'json'));
        my @hops = map { my $place = $_->{place} =~ s{\A\Q$folder\E|\Ashared/\K}{}gr; [$_->{worker}, $place] } @{ $told->{hops} };
        is_deeply [map { ($_->[0], $_->[1] =~ s/:\d+\z//r) } @hops], $who{$name}[$is_file], "$name: explain says who answers $path";
        for my $hop (@{ $told->{hops} }) {
            my ($file, $line) = $hop->{place} =~ /\A(.*):(\d+)\z/ or next;
            my $text = (split /\n/, read_file($file =~ m{\A/} ? $file : "$folder$file"))[$line - 1];
            like $text, qr/path: |root: |app: /, "$name: and names the line";
        }
        my $last = $told->{hops}[-1];
        is $last->{file}, $is_file ? "${folder}public$path" : '', "$name: " . ($is_file ? 'and the file' : 'which is no file');
        is $told->{listener}, $layout->{$server}, "$name: and the listener";
    }
}

# One that runs becomes another.
my ($name, $site) = @$reference{qw(name site)};
local @ENV{ keys %{ $reference->{ports} } } = values %{ $reference->{ports} };
for my $next (qw(accelerated-two-ports dso)) {
    $site->must('up', $reference->{file} =~ s{[^/]+\z}{$next.yaml}r);
    is $site->status->{layout}, $next, "$name becomes $next";
    my $port = $next eq 'dso' ? $reference->{ports}{PAGES_PORT} : $reference->{ports}{PORT};
    is fetch("127.0.0.1:$port", '/demo/links')->{status}, 200, '  and serves';
    $name = $next;
}

done_testing;
