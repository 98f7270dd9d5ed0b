# Logs: moved away while clients ask, by us and by others; read across files; a disk that refuses stops nothing.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request connect_to read_file wait_until);
use POSIX       ();
use Test::More;
use Time::HiRes qw(sleep time);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
use Time::HiRes qw(sleep);
sub {
    my ($env) = @_;
    my ($n) = $env->{QUERY_STRING} =~ /(\d+)/;
    sleep 3 if $env->{PATH_INFO} eq '/slow';
    print STDERR "app says $env->{PATH_INFO} $n end\n" if $n;
    return [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
};
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
sub topology {
    my ($logs) = @_;
    return $site->write('site.yaml', "site: $site->{name}\nlogs: $logs\nworkers:\n" . <<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, health: {every: 100ms}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 100ms, path: /up}}
YAML
}
my $folder = "$site->{state}/$site->{name}/log";
$site->must('up', topology('{size: 4KiB, age: 1d, keep: 500}'));

# The files of a log, oldest first.
sub log_files {
    my ($name) = @_;
    my %number = map { $_ => /\.log\.(\d+)\z/ ? $1 : 0 } glob "$folder/$name.log $folder/$name.log.*";
    return sort { $number{$b} <=> $number{$a} } keys %number;
}
sub lines_of { return map { split /\n/, read_file($_) } log_files(@_) }

# Who writes to a file, and where it goes on writing.
sub files_of {
    my ($pid) = @_;
    return map { readlink("/proc/$pid/fd/$_") // '' } 1, 2;
}

subtest 'moved away while clients ask' => sub {
    my $slow = connect_to($pages);
    print $slow "GET /slow?n=9999 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    my $end = time + 2;
    my $n   = 0;
    my $are_moved = sub { 3 == grep { my @files = log_files($_); @files > 3 } qw(app app.access docs.access) };
    while (time < $end || (time < $end + 20 && !$are_moved->())) {
        $n++;
        request($pages, "/page?n=$n");
        request($files, "/a.txt?n=$n");
    }
    my $reply = Mpsup::Test::read_reply($slow);
    is $reply->{status}, 200, 'a request that took longer than several moves';
    cmp_ok scalar(() = log_files($_)), '>', 3, "$_ was moved away" for qw(app app.access docs.access);
    wait_until(5, 'all lines', sub { (grep { m{/a\.txt\?n=$n } } lines_of('docs.access')) && (grep { m{/page\?n=$n } } lines_of('app.access')) });
    for my $case (['docs.access', qr{"GET /a\.txt\?n=(\d+) HTTP/1\.1" 200 2 "-" "-"\z}],
                  ['app.access', qr{"GET /page\?n=(\d+) HTTP/1\.1" 200 \d+ "-" "-"\z}],
                  ['app', qr{\Aapp says /page (\d+) end\z}]) {
        my ($log, $pattern) = @$case;
        my %seen;
        $seen{$_}++ for map { /$pattern/ } lines_of($log);
        is_deeply [grep { ($seen{$_} // 0) != 1 } 1 .. $n], [], "$log: $n lines, each once and whole";
    }
    is scalar(grep { $_ eq 'app says /slow 9999 end' } lines_of('app')), 1, 'and that of the busy child';
    wait_until(5, 'everybody writes to the new file', sub { !grep { !m{/app\.log\z} } map { files_of($_) } $site->pids('app', 'child'), $site->pids('app', 'master') });
    pass 'master and children follow';
    is_deeply [grep { !m{/docs\.log\z} } map { files_of($_) } $site->pids('docs', 'light')], [], 'and the light worker';
};

subtest 'read across files' => sub {
    my @last = split /\n/, $site->must('logs', 'app', '-n', 1000);
    cmp_ok scalar(@last), '>', 200, '-n reaches back';
    my @hit = split /\n/, $site->must('logs', '--worker', 'app', '--grep', ' /page (7|77) end');
    is_deeply \@hit, ['app says /page 7 end', 'app says /page 77 end'], '--grep';
    is $site->must('logs', '--access', 'docs', '--since', '1h', '--grep', 'n=5 ') =~ tr/\n//, 1, '--since';
    is $site->must('logs', '--access', 'docs', '--since', '2030-01-01'), '', 'nothing since the future';
    my @both = map { decode_json($_) } split /\n/, $site->must('logs', '--access', '--worker', 'docs', '--worker', 'app', '-o', 'jsonl', '--since', '1h');
    my ($latest, @late) = (0);
    for (map { $_->{at_ms} } @both) { push @late, $_ if $_ < $latest - 4000; $latest = $_ if $_ > $latest } # a child's lines wait behind a long request
    is_deeply \@late, [], 'several are in the order of time';
    like $site->must('logs', 'supervisor', '--grep', 'generation 1: ready'), qr/app generation 1/, "the supervisor's own";
    for my $case (['--since', 'yesterday'], ['--grep', '('], ['-f', '-o', 'json']) {
        my ($code, $out, $err) = $site->mpsup('logs', @$case);
        is $code, 2, "@$case: usage";
    }
};

subtest 'followed across a move' => sub {
    my $pid = open(my $follow, '-|', Mpsup::Test::build_dir() . '/mpsup', '--state-dir', $site->{state}, 'logs', '-f', '-n', '0', 'docs', '--access') // die;
    sleep 0.3; # it has to be watching
    my $before = () = log_files('docs.access');
    my $n = 0;
    request($files, '/a.txt?f=' . ++$n) while $n < 50 || (() = log_files('docs.access')) < $before + 2;
    my $wanted = $n;
    my @seen;
    eval {
        local $SIG{ALRM} = sub { die };
        alarm 10;
        while (@seen < $wanted) { my $line = <$follow>; push @seen, $1 if $line =~ /\?f=(\d+) / }
        alarm 0;
    };
    is_deeply \@seen, [1 .. $wanted], "$wanted lines, in their order";
    kill 'TERM', $pid;
    close $follow;
};

subtest 'kept are as many as was said' => sub {
    $site->must('up', topology('{size: 4KiB, keep: 2}'));
    for (1 .. 400) { request($files, "/a.txt?n=$_"); sleep 0.002 }
    wait_until(5, 'moves', sub { (() = log_files('docs.access')) <= 3 });
    pass 'two and the one that is written to';
    $site->must('up', topology('{size: 100MiB}'));
};

subtest 'moved away by somebody else' => sub {
    for my $log (qw(app app.access docs docs.access supervisor)) { rename "$folder/$log.log", "$folder/$log.elsewhere" or die }
    kill 'USR1', $site->supervisor_pid;
    wait_until(5, 'the light worker', sub { !grep { !m{/docs\.log\z} } map { files_of($_) } $site->pids('docs', 'light') });
    wait_until(5, 'the pool', sub { !grep { !m{/app\.log\z} } map { files_of($_) } $site->pids('app', 'child'), $site->pids('app', 'master') });
    is_deeply [grep { !m{/supervisor\.log\z} } files_of($site->supervisor_pid)], [], 'the supervisor';
    request($files, '/a.txt?usr1=1');
    wait_until(5, 'a line', sub { read_file("$folder/docs.access.log") =~ /usr1=1/ });
    unlike read_file("$folder/docs.access.elsewhere"), qr/usr1=1/, 'in the new file alone';
    my $pid = $site->supervisor_pid;
    for (1 .. 200) { kill 'USR1', $pid }
    is request($pages, '/?n=1')->{status}, 200, 'many signals do no harm';
    is $site->supervisor_pid, $pid, 'to nobody';
};

subtest 'a folder that is gone' => sub {
    system 'rm', '-rf', $folder;
    is request($pages, '/?n=2')->{status}, 200, 'the pool serves';
    is request($files, '/a.txt')->{status}, 200, 'and the light worker';
    wait_until(5, 'the folder is back', sub { -e "$folder/app.log" && -e "$folder/docs.access.log" && -e "$folder/supervisor.log" });
    request($pages, '/back?n=3');
    wait_until(5, 'lines', sub { read_file("$folder/app.log") =~ /back 3/ });
    chmod 0500, $folder;
    system 'rm', '-rf', $folder;
    $site->write("../$$.file", '');
    symlink '/nonexistent', $folder or die; # nothing can be made there
    my ($code) = $site->mpsup('restart', '--timeout', '60s');
    is $code, 0, 'restart goes without any log';
    is request($pages, '/?n=4')->{status}, 200, 'and serves';
    unlink $folder;
    wait_until(5, 'they write again', sub { -e "$folder/app.log" && !grep { !m{/app\.log\z} } map { files_of($_) } $site->pids('app', 'child') });
    pass 'logs come back with their folder';
};

subtest 'without a supervisor' => sub {
    request($pages, '/last?n=77');
    $site->must('down');
    like $site->must('logs', 'app'), qr/last 77/, 'they can be read';
};

subtest 'a disk that is full' => sub {
    my $small = $site->dir . '/small';
    mkdir $small;
    plan skip_all => 'no file system can be mounted here' if system "mount -t tmpfs -o size=2m,mode=700 mpsup-test $small 2>/dev/null";
    my $full = bless { %$site, state => $small, name => 'full' }, ref $site;
    my $path = $full->topology(<<"YAML", 'full.yaml');
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, health: {every: 100ms, path: /up}}
YAML
    $full->must('up', $path);
    open my $hog, '>', "$small/hog" or die;
    1 while syswrite $hog, 'x' x 4096;
    close $hog;
    is request($pages, "/?n=$_")->{status}, 200, "served, $_" for 1 .. 3;
    my ($child) = $full->pids('app', 'child');
    kill 'KILL', $child;
    is request($pages, '/?n=4')->{status}, 200, 'a child is replaced';
    my ($code, $out, $err) = $full->mpsup('restart', '--timeout', '60s');
    is $code, 0, 'restart' or diag $out, $err;
    unlink "$small/hog";
    request($pages, '/room?n=5');
    wait_until(5, 'lines again', sub { read_file("$small/full/log/app.log") =~ /room 5/ });
    pass 'it logs again when there is room';
    $full->stop;
    system 'umount', $small;
};

done_testing;
