# mpsup size: the memory of a site, process by process, and what each build costs.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use Mpsup::Test qw(new_site free_port read_file build_dir);
use Test::More;

$ENV{COLUMNS} = 80;
my $site = new_site(name => 'sized');
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', 'sub { [200, ["Content-Type" => "text/plain"], ["x"]] }');
is +($site->mpsup('size'))[0], 2, 'no site: which one?';
$site->must('up', $site->topology(<<"YAML"));
  files: {kind: static, listen: "127.0.0.1:$files", root: ., serves: [/none/]}
  pages: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2}
YAML

sub rollup {
    my ($pid) = @_;
    my %kb = read_file("/proc/$pid/smaps_rollup") =~ /^(\w+):\s+(\d+) kB/mg;
    return \%kb;
}

my $size = decode_json($site->must('size', '-o', 'json'));
is $size->{version}, 1, 'the document has a version';
is $size->{site}, 'sized', '  and the name of the site';
my %by_role;
push @{ $by_role{ $_->{role} } }, $_ for @{ $size->{processes} };
is scalar @{ $by_role{supervisor} }, 1, 'the supervisor';
is $by_role{supervisor}[0]{pid}, $site->supervisor_pid, '  is that of the site';
is scalar @{ $by_role{light} }, 1, 'the static worker';
is scalar @{ $by_role{master} }, 1, 'the pool master';
is_deeply [sort map { $_->{pid} } @{ $by_role{child} }], [sort $site->pids('pages', 'child')], 'its children';
for my $process (@{ $size->{processes} }) {
    my $name = "$process->{role} $process->{pid}";
    is $process->{rss_bytes}, $process->{shared_bytes} + $process->{private_bytes}, "$name: rss is shared and private";
    cmp_ok $process->{pss_bytes}, '<=', $process->{rss_bytes}, '  pss is part of it';
    my $now = rollup($process->{pid});
    cmp_ok abs($now->{Rss} - $process->{rss_bytes} / 1024), '<', 4096, '  as the kernel says' if $now->{Rss};
}
my ($total) = grep { $_->{worker} eq 'pages' } @{ $size->{totals}{workers} };
is $total->{processes}, 3, 'the pool is three processes';
my ($pss, $own) = (0, 0);
for (grep { ($_->{worker} // '') eq 'pages' } @{ $size->{processes} }) { $pss += $_->{pss_bytes}; $own += $_->{private_bytes} }
is "$total->{pss_bytes} $total->{private_bytes}", "$pss $own", '  and their sums';
is $size->{totals}{site}{processes}, 5, 'the site is five';

my %program = map { ("$_->{build} $_->{kind}" => $_) } @{ $size->{programs} };
is_deeply [sort keys %program], ['dso dynamic', 'dso static', 'one dynamic', 'one static', 'two dynamic', 'two static'], 'three builds';
for my $name (sort keys %program) {
    my $program = $program{$name};
    cmp_ok $program->{memory}{rss_bytes}, '>', 1 << 20, "$name: a process has some memory";
    cmp_ok $program->{disk_bytes}, '>=', -s build_dir() . "/$program->{program}", '  and a size on disk';
}
is $program{'two static'}{program}, 'mpsup-light', 'two: a light program';
is $program{'dso dynamic'}{program}, 'mpsup-worker', 'dso: one that loads Perl';
cmp_ok $program{'two static'}{memory}{rss_bytes}, '<', $program{'two dynamic'}{memory}{rss_bytes}, 'Perl costs memory';
cmp_ok $program{'two static'}{memory}{rss_bytes}, '<', $program{'one static'}{memory}{rss_bytes}, '  even where it is only linked in';

for my $program (['mpsup-light', '--memory', 0], ['mpsup-light', '--memory=perl', 1], ['mpsup-heavy', '--memory=perl', 0], ['mpsup-worker', '--memory=perl', 0]) {
    my ($name, $option, $code) = @$program;
    my $text = do { my $path = build_dir() . "/$name"; `$path $option 2>&1` };
    is $? >> 8, $code, "$name $option";
    $code ? like($text, qr/mpsup-light serves files only: there is no Perl in it/, '  is told')
          : like($text, qr/\A\{"rss_bytes":\d+,"pss_bytes":\d+,"shared_bytes":\d+,"private_bytes":\d+\}\n\z/, '  says so');
}

my $table = $site->must('size');
unlike $table, qr/\e/, 'no colours but on a terminal';
is +(grep { length > 80 } split /\n/, $table), 0, 'no line is longer than a page';
like $table, qr/^pages\s+child\s+\d+\s+1\s+[\d.]+[KM]\s/m, 'a line for each process';
like $table, qr/^site\s+5 processes/m, '  and the sums';
like $table, qr/^dso\s+dynamic\s+mpsup-worker\s/m, '  and the builds';

$site->must('down');
my ($code, $out, $err) = $site->mpsup('size');
is $code, 4, 'without a supervisor there is nothing to measure';
like $err, qr/no supervisor runs for site sized/, '  which is said';
done_testing;
