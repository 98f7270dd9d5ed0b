# A whole life of a site under strace: whoever is sent a signal is a recorded process of the site.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;

plan skip_all => 'strace is not installed' if !grep { -x "$_/strace" } split /:/, $ENV{PATH};
plan skip_all => 'the sanitizers and strace do not go together' if Mpsup::Test::build_dir() =~ /asan|tsan/;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { sleep 20 if $_[0]{PATH_INFO} eq '/hang'; [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, stop: {grace: 1s}}
YAML
my $trace = $site->dir . '/trace';
my $mpsup = Mpsup::Test::build_dir() . '/mpsup';
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', $site->dir . '/out' or die;
    open STDERR, '>', $site->dir . '/err' or die;
    exec 'strace', '-f', '-qq', '-yy', '-o', $trace, '-e', 'trace=kill,tgkill,tkill,pidfd_send_signal,pidfd_open', '--',
        $mpsup, '--state-dir', $site->{state}, 'up', '--foreground', $topology or die;
}
wait_until(20, 'it serves', sub { eval { request($pages, '/')->{status} == 200 } });
my %ours;
sub note_processes { $ours{ $_->{pid} } = 1 for map { @{ $_->{processes} } } @{ $site->status->{workers} } }
note_processes();
$site->must('restart');
note_processes();
# A child that hangs when its generation has to go: the grace ends, and SIGKILL follows.
my $hanging = Mpsup::Test::connect_to($pages);
syswrite $hanging, "GET /hang HTTP/1.1\r\nHost: a\r\n\r\n";
wait_until(5, 'it hangs', sub { grep { $_->{state} eq 'busy' } @{ $site->worker('app')->{processes} } });
$site->must('restart', 'app');
note_processes();
kill 'TERM', $site->supervisor_pid;
waitpid $pid, 0;
is $?, 0, 'the supervisor ended well';

my ($signals, @strangers) = (0);
my %pid_of; # pidfd, as strace shows it
for my $line (split /\n/, read_file($trace)) {
    my ($target, $signal);
    if ($line =~ /pidfd_send_signal\(\d+<(?:pid:)?(\d+|[^>]*)>, (\w+)/) { ($target, $signal) = ($1, $2) }
    elsif ($line =~ /\b(?:kill|tkill)\((-?\d+)[^,]*, (\w+)/)          { ($target, $signal) = ($1, $2) }
    elsif ($line =~ /\btgkill\((\d+)[^,]*, \d+[^,]*, (\w+)/)           { ($target, $signal) = ($1, $2) }
    else { next }
    next if $signal eq '0' || $signal eq 'SIG_0';
    ++$signals;
    ($target) = $target =~ /(\d+)/ if $target !~ /^-?\d+$/;
    push @strangers, $line if !$ours{ $target // '' };
}
cmp_ok $signals, '>', 0, "$signals signals were sent";
is_deeply \@strangers, [], 'each to a recorded process of the site';
my ($killed) = grep { $_->{event} eq 'killed' } $site->events;
ok $killed, 'the one that hung was killed, and that is an event';
done_testing;
