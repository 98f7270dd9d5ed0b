# Scripts that use CGI.pm and FastCGI loops, and gitweb, in each mode that fits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Folder qw(folder app ask post errors captured);
use Test::More;

plan skip_all => 'CGI.pm is not installed' unless eval { require CGI };
my $text = "Content-Type: text/plain\\n\\n";
my $params = <<'S';
#!/usr/bin/perl
use strict; use warnings;
use CGI qw(:standard -nosticky);
print header('text/plain'), map { my $n = $_; "$n=" . join(',', CGI::multi_param($n)) . ';' } sort(CGI::param());
print ' cookie=', cookie('c') // 'none', ' nosticky=', $CGI::NOSTICKY;
S
my %loops = (
    'fast.cgi'   => "use CGI::Fast; our \$n = 0; while (my \$q = CGI::Fast->new) { \$n++; print \$q->header('text/plain'), 'round ', \$q->param('a') // 'none', ';' } print 'out';",
    'fcgi.cgi'   => "use FCGI; my \$r = FCGI::Request(); while (\$r->Accept >= 0) { print qq{${text}round \$ENV{QUERY_STRING};}; \$r->Finish } print 'out';",
    'late.cgi'   => "require CGI::Fast; while (my \$q = CGI::Fast->new) { print \$q->header('text/plain'), 'round ', scalar(\$q->param('a')), ';' } print 'out';",
);
my $dir = folder(
    'params.cgi' => $params, 'fork/params.cgi' => $params, 'run/params.cgi' => $params, 'exec/params.cgi' => $params,
    'object.cgi' => "#!/usr/bin/perl\nuse CGI; my \$q = CGI->new; print \$q->header(-type => 'text/plain', -charset => 'utf-8', -cookie => [\$q->cookie('a', 1), \$q->cookie('b', 2)]), \$q->param('a') // 'none', ' ', \$CGI::NOSTICKY;",
    'redirect.cgi' => "#!/usr/bin/perl\nuse CGI; print CGI->new->redirect('http://elsewhere.example/');",
    'utf8.cgi' => "#!/usr/bin/perl\nuse CGI qw(-utf8); print qq{$text}, length(CGI::param('a'));",
    'upload.cgi' => "#!/usr/bin/perl\nuse CGI; my \$q = CGI->new; my \$h = \$q->upload('f'); print qq{$text}, length join '', <\$h>;",
    eval { require CGI::Fast } ? (map { $_ => "#!/usr/bin/perl\n$loops{$_}\n", "fork/$_" => "#!/usr/bin/perl\n$loops{$_}\n" } keys %loops) : (),
);
my $app = app(dir => $dir, modes => {'fork/*' => 'fork', 'run/*' => 'perlrun', 'exec/*' => 'exec'});

for my $script (map { "${_}params.cgi" } '/', '/fork/', '/run/', '/exec/') {
    is ask($app, "$script?a=1&b=2;a=3", HTTP_COOKIE => 'c=4')->{body}, 'a=1,3;b=2; cookie=4 nosticky=1', "$script: query";
    is post($app, $script, 'x=9')->{body}, 'x=9; cookie=none nosticky=1', '  POST, and nothing of the query before';
    is ask($app, $script)->{body}, ' cookie=none nosticky=1', '  and nothing of the POST before';
}
my $reply = ask($app, '/object.cgi?a=b');
is $reply->{body}, 'b 0', 'an object, and no pragma of another script';
is scalar(grep { lc $_ eq 'set-cookie' } @{ $reply->{headers} }), 2, '  two cookies';
is ask($app, '/object.cgi')->{body}, 'none 0', '  and none of the parameters before';
is ask($app, '/redirect.cgi')->{status}, 302, 'redirect';
is ask($app, '/utf8.cgi?a=%C3%A9')->{body}, 1, '-utf8' for 1 .. 2;
my $part = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n" . 'u' x 100_000 . "\r\n--x--\r\n";
is post($app, '/upload.cgi', $part, CONTENT_TYPE => 'multipart/form-data; boundary=x')->{body}, 100_000, 'an upload' for 1 .. 2;

SKIP: {
    skip 'CGI::Fast is not installed', 1 unless $INC{'CGI/Fast.pm'};
    for my $script (map { ("/$_", "/fork/$_") } sort keys %loops) {
        like ask($app, "$script?a=$_")->{body}, qr/\Around (?:a=)?$_;out\z/, "$script, once each request ($_)" for 1 .. 3;
    }
}

SKIP: {
    my $gitweb = '/usr/share/gitweb/gitweb.cgi';
    skip 'gitweb is not installed', 1 unless -x $gitweb;
    my $site = folder('repos/x' => '', 'site/x' => '');
    my $id = make_repository("$site/repos/one.git");
    symlink $gitweb, "$site/site/index.cgi" or die $!;
    Folder::put("$site/site/gitweb_config.perl", "our \$projectroot = '$site/repos'; our \$site_name = 'A site';\n1;\n");
    local $ENV{GITWEB_CONFIG} = './gitweb_config.perl'; # Perl has no . in @INC any more: it would not find it by itself
    my $web;
    my $said = captured { $web = app(dir => "$site/site") };
    like $said, qr/\Ampsup: index.cgi: named subroutines use the file's variable \$\w+ \(line \d+\).*: it runs in mode fork\n\z/, 'gitweb: it is seen that it must be run in mode fork';
    for (1 .. 2) {
        my $page;
        is captured { $page = ask($web, '/?p=one.git;a=summary') }, '', 'gitweb: no warning';
        is $page->{status}, 200, '  summary';
        like $page->{body}, qr{<title>A site - one.git/summary</title>.*the second.*</html>}s, '  is whole';
        is captured { $page = ask($web, "/index.cgi?p=one.git;a=commitdiff;h=$id") }, '', '  no warning';
        like $page->{body}, qr{diff --git.*two(?:&nbsp;| )more.*</html>}s, '  commitdiff';
        like $page->{body}, qr{a=blob;f=file.txt;h=[0-9a-f]{40}}, '  with links to blobs';
    }
    is ask($web, '/?p=none.git;a=summary')->{status}, 404, 'gitweb: no such project';
}
is waitpid(-1, 1), -1, 'no process is left';
done_testing;

sub make_repository {
    my ($path) = @_;
    my $work = folder('file.txt' => "some words\n");
    local @ENV{qw(GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_CONFIG_GLOBAL)} = ('A', 'a@example.org', 'A', 'a@example.org', '/dev/null');
    my $git = sub { system('git', '-C', $work, @_) == 0 or die "git @_" };
    $git->('init', '-q', '-b', 'main');
    $git->('add', '.');
    $git->('commit', '-q', '-m', 'the first');
    Folder::put("$work/file.txt", "some words\ntwo more words\n");
    $git->('commit', '-q', '-a', '-m', 'the second');
    system('git', 'clone', '-q', '--bare', $work, $path) == 0 or die 'git clone';
    return `git -C $work rev-parse HEAD` =~ s/\n//r;
}
