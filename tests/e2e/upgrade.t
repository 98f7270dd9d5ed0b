# `mpsup upgrade`: the supervisor becomes another program in its own process; workers, listeners and clients are kept.
use strict;
use warnings;
use IO::Socket::UNIX;
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request wait_until build_dir);
use Test::More;

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2}
YAML
$site->must('up', $topology);

sub processes {
    return join ' ', sort { $a <=> $b } map { $_->{pid} } map { @{ $_->{processes} } } @{ $site->status->{workers} };
}
sub serves { return request($files, '/a.txt')->{body} eq "a\n" && request($pages, '/')->{status} == 200 }

my $before     = processes();
my $supervisor = $site->supervisor_pid;
my $started    = $site->status->{supervisor}{started_at};

for my $round (1 .. 3) {
    my $told = $site->must('upgrade');
    like $told, qr/taking over.*upgraded to mpsup/s, "upgrade $round: the answer is ended by the new program";
    is $site->supervisor_pid, $supervisor, 'it is the same process';
    is processes(), $before, 'and so is each of its workers';
    ok serves(), 'they serve';
}
isnt $site->status->{supervisor}{started_at}, $started, 'it is another program all the same';

subtest 'another program, by its path' => sub {
    my $copy = $site->dir . '/bin';
    mkdir $copy;
    system('cp', (map { build_dir() . "/$_" } qw(mpsup mpsup-light mpsup-heavy)), $copy) == 0 or die;
    $site->must('upgrade', "$copy/mpsup");
    is readlink "/proc/$supervisor/exe", "$copy/mpsup", 'runs';
    my ($light) = $site->pids('docs', 'light');
    kill 'KILL', $light;
    wait_until(5, 'the next worker is', sub { my ($now) = $site->pids('docs', 'light'); $now && $now != $light && (readlink "/proc/$now/exe" // '') eq "$copy/mpsup-light" });
    wait_until(5, 'docs is ready', sub { $site->worker('docs')->{state} eq 'ready' });
    is +(grep { $_->{event} eq 'exited' && $_->{pid} == $light } $site->events)[0]{signal}, 9, 'how a process of the program before ended is known: it is a child of this one';
    ok serves(), 'it serves';
};

subtest 'programs that cannot take over' => sub {
    my @cases = (
        ['/bin/false', qr/will not take over/],
        ['/bin/sleep', qr/will not take over/],
        [$site->dir . '/nosuch', qr/there is no program/],
        [$site->write('text', "no program\n"), qr/text/],
    );
    my $slow = $site->write('refuses', "#!/bin/sh\necho 'the schema is too old for me'\nexit 1\n");
    chmod 0755, $slow;
    push @cases, [$slow, qr/the schema is too old for me.*goes on/];
    my $then = processes();
    for my $case (@cases) {
        my ($code, $out, $err) = $site->mpsup('upgrade', $case->[0]);
        isnt $code, 0, "$case->[0] is refused";
        like $err, $case->[1], '  and why';
    }
    is processes(), $then, 'nothing has changed';
    is $site->supervisor_pid, $supervisor, 'the supervisor is what it was';
    ok serves(), 'it serves';
};

subtest 'verbs afterwards' => sub {
    like $site->must('restart', 'app'), qr/restarted/, 'restart';
    like $site->must('up', $topology), qr/nothing changed/, 'up';
    ok serves(), 'it serves';
    $site->must('down');
    wait_until(5, 'down ends it', sub { Mpsup::Test::read_file("/proc/$supervisor/stat") !~ /\) [^Z] / });
    ok !-e "$site->{state}/test/handover.json", 'and nothing is left behind';
};

done_testing;
