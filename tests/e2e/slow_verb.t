# mpsup slow: what it shows of a database, whoever wrote it.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port);
use Test::More;

$ENV{COLUMNS} = 80;
my $site = new_site();
my $port = free_port();
mkdir $site->dir . '/root';
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$port", root: root}
YAML
is $site->must('slow'), "no slow request is on record\n", 'nothing yet, while the site runs';
$site->must('down');
is $site->must('slow'), "no slow request is on record\n", 'nothing yet';
is $site->must('slow', '--top'), "no slow request is on record\n", 'nothing to group either';
is_deeply decode_json($site->must('slow', '-o', 'json')), {version => 1, slow => []}, 'nothing as JSON';
is_deeply decode_json($site->must('slow', '--top', '-o', 'json')), {version => 1, groups => []}, 'no groups as JSON';
is $site->must('slow', '-o', 'jsonl'), '', 'nothing as JSON lines';

# The supervisor, the only one that may write, is gone.
my $database = "$site->{state}/test/state.db";
sub record {
    my (%row) = (worker => 'app', pid => 4_194_303, uri => '/', age_ms => 2500, fingerprint => 'f' x 16, frames => [], @_);
    my $frames = join '', map { "$_\n" } @{ $row{frames} };
    my $sql = "INSERT INTO slow_requests (at_ms, boot_ms, worker, generation, pid, method, uri, age_ms, fingerprint, frames) "
        . "VALUES (978350400123, 5, '$row{worker}', 3, $row{pid}, 'GET', '$row{uri}', $row{age_ms}, '$row{fingerprint}', '$frames')";
    system('sqlite3', $database, $sql) == 0 or die 'sqlite3';
    return;
}
my @deep = map { "/srv/shop/lib/Shop/Level$_.pm:$_ Shop::Level${_}::call" } 1 .. 20;
record(uri => '/report?year=1999', frames => \@deep, fingerprint => 'a' x 16);
record(uri => '/report?year=2000', frames => \@deep, fingerprint => 'a' x 16, age_ms => 75_000);
record(worker => 'other', uri => '/' . 'long' x 100, frames => ['/' . 'deep/' x 40 . 'a.pl:7 main::end'], fingerprint => 'c' x 16);
record(uri => "/\e[2Jcleared", frames => ["/srv/\e[2Ja.pl:1 main::a"], fingerprint => 'b' x 16);
record(uri => '/without');

sub fits {
    my ($what, @arguments) = @_;
    my $text = $site->must('slow', @arguments);
    utf8::decode($text);
    is_deeply [grep { length > 80 } split /\n/, $text], [], "$what: 80 columns are enough";
    unlike $text, qr/[^\n -\x7e\x{2026}]/, "$what: nothing acts on the terminal";
    return $text;
}

subtest 'the latest' => sub {
    my $text  = fits('all');
    my @lines = split /\n/, $text;
    like $lines[0], qr/\AWHEN +WORKER +PID +AGE +REQUEST\z/, 'headings';
    like $lines[1], qr{\A\d\d-\d\d \d\d:\d\d:\d\d  app +4194303  2\.5s  GET /without\z}, 'the newest first';
    like $lines[2], qr{ GET /\?\[2Jcleared\z}, 'no stack, no line; and control characters made visible';
    is $lines[3], '    /srv/?[2Ja.pl:1 main::a', 'the innermost frame beneath';
    like $lines[4], qr{ other .* GET /(?:long)+\w*\+\z}, 'a long URI is cut at its end';
    like $lines[5], qr{\A    \+.*deep/a\.pl:7 main::end\z}, 'a long frame at its front';
    like $text, qr{ 75s   GET /report\?year=2000\n    /srv/shop/lib/Shop/Level1\.pm:1 Shop::Level1::call\n}, 'another';
    is scalar(() = fits('two', '-n', 2) =~ / GET /g), 2, '-n';
    is scalar(() = fits('of one', 'other') =~ / GET /g), 1, 'of one worker';
    is $site->must('slow', 'nobody'), "no slow request is on record\n", 'of a worker without any';
};

subtest 'by where they were' => sub {
    my $text = fits('top', '--top');
    my $head = join '', map { "    $_\n" } @deep[0 .. 7];
    like $text, qr/\ACOUNT +LONGEST +LAST SEEN +INNERMOST\n2 +75s +\S+ \S+  \+\S*Level1\.pm:1 Shop::Level1::call\n\Q$head\E    \x{2026} 12 more\n\d/,
        'the most first, eight frames of twenty';
    like $text, qr/\n1 +2\.5s +\S+ \S+  -\n/, 'without a stack';
    is scalar(() = fits('one', '--top', '-n', 1) =~ /^\d/mg), 1, '-n';
    like fits('top of one', '--top', 'other'), qr/\n1 .*main::end\n    \+.*main::end\n\z/, 'of one worker';
};

subtest 'for programs' => sub {
    my $list = decode_json($site->must('slow', '-o', 'json'));
    is $list->{version}, 1, 'version';
    is_deeply $list->{slow}[-1], {
        id => 1, at_ms => 978350400123, worker => 'app', generation => 3, pid => 4194303, method => 'GET',
        uri => '/report?year=1999', age_ms => 2500, frames => \@deep, fingerprint => 'a' x 16,
    }, 'a whole request';
    is_deeply [map { decode_json($_) } split /\n/, $site->must('slow', '-o', 'jsonl')], $list->{slow}, 'the same as lines';
    my $groups = decode_json($site->must('slow', '--top', '-o', 'json'))->{groups};
    my %latest = %{ $list->{slow}[-2] };
    delete $latest{id};
    is_deeply $groups->[0], {
        fingerprint => 'a' x 16, count => 2, longest_ms => 75_000, last_at_ms => 978350400123, latest => \%latest,
    }, 'a whole group';
    is_deeply [map { decode_json($_) } split /\n/, $site->must('slow', '--top', '-o', 'jsonl')], $groups, 'the same as lines';
};

subtest 'mistakes' => sub {
    is +($site->mpsup('slow', '-n', 0))[0], 2, 'none of them: exit 2';
    is +($site->mpsup('slow', '--site', 'nosuch'))[0], 2, 'an unknown site: exit 2';
    unlink glob "$database*";
    my ($code, $out, $err) = $site->mpsup('slow');
    is $code, 1, 'no database: exit 1';
    like $err, qr/state\.db/, 'which is named';
};

done_testing;
