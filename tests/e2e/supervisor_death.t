# kill -9 of the supervisor: its workers finish what they serve and leave, and the next one waits for them.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to wait_until);
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
sub {
    my $env = shift;
    select undef, undef, undef, 1 if $env->{PATH_INFO} eq '/slow';
    return [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
}
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, stop: {grace: 5s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, stop: {grace: 5s}}
YAML
$site->must('up', $topology);
my $supervisor = $site->supervisor_pid;
my @workers = map { $_->{pid} } map { @{ $_->{processes} } } @{ $site->status->{workers} };

my $slow = connect_to($pages);
syswrite $slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
select undef, undef, undef, 0.1; # it has to be in the application when the supervisor dies
kill 'KILL', $supervisor;

my ($code, $out) = $site->mpsup('status');
is $code, 4, 'status says that there is no supervisor';
like $out, qr/no supervisor runs.*docs/s, 'and shows what was recorded last';

like +(Mpsup::Test::read_reply($slow) // {})->{body}, qr/^\d+$/, 'the request in hand is answered';
like $site->must('up', $topology), qr/site test is up/, 'up goes on when they have left';
my @alive = grep { my $stat = Mpsup::Test::read_file("/proc/$_/stat"); $stat ne '' && $stat !~ /\) Z / } @workers;
is_deeply \@alive, [], 'none of the old processes is left';
is request($pages, '/')->{status}, 200, 'the new ones serve';
cmp_ok $site->worker('app')->{generation}, '>', 1, 'generations are numbered on';

subtest 'one supervisor a site' => sub {
    my ($code, $out, $err) = $site->mpsup('supervise', '--site', 'test');
    is $code, 1, 'a second one ends at once';
    like $err, qr/another supervisor of this site runs/, 'and says why';
};

subtest 'in the foreground' => sub {
    $site->must('down');
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', $site->dir . '/foreground.out' or die;
        open STDERR, '>', $site->dir . '/foreground.err' or die;
        exec Mpsup::Test::build_dir() . '/mpsup', '--state-dir', $site->{state}, 'up', '--foreground', $topology or die;
    }
    eval { wait_until(10, 'it serves', sub { eval { request($pages, '/')->{status} == 200 } }) } or diag Mpsup::Test::read_file($site->dir . '/foreground.err');
    is $site->supervisor_pid, $pid, 'it is the process that was started';
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is $?, 0, 'SIGTERM ends it well';
    like Mpsup::Test::read_file($site->dir . '/foreground.out'), qr/site test is up/, 'and it told what it did';
    ok !eval { request($pages, '/') }, 'nobody listens any more';
};

done_testing;
