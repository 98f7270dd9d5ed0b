# What the database's disk may do: the service goes on, and says that its history suffers.
use strict;
use warnings;
use FindBin     qw($Bin);
use IO::Handle  ();
use Mpsup::Test qw(new_site free_port wait_until request);
use Test::More;

# Mounts of our own, that end with us.
if ($> == 0 && !$ENV{MPSUP_TEST_UNSHARED} && system('unshare -m true 2>/dev/null') == 0) {
    $ENV{MPSUP_TEST_UNSHARED} = 1;
    exec 'unshare', '-m', $^X, "-I$Bin/lib", $0 or die "unshare: $!";
}
my $may_mount = $ENV{MPSUP_TEST_UNSHARED} && system('mount', '--make-rprivate', '/') == 0;

# A site that serves one file, its state on a disk of so much if we may mount.
sub started {
    my (%options) = @_;
    my $site = new_site();
    my $port = free_port();
    mkdir "$site->{dir}/root";
    $site->write('root/a.txt', "hello\n");
    mkdir $site->{state};
    system('mount', '-t', 'tmpfs', '-o', "size=$options{size}", 'none', $site->{state}) == 0 or die 'mount' if $options{size};
    $site->{port} = $port;
    $site->{file} = $site->topology(qq(  docs: {kind: static, listen: "127.0.0.1:$port", root: root}\n));
    $site->must('up', $site->{file});
    return $site;
}

sub database { return "$_[0]{state}/test/state.db" }
sub trouble  { return $_[0]->status->{supervisor}{trouble} // '' }
sub sqlite   { return system('sqlite3', database($_[0]), $_[1]) }

sub goes_on {
    my ($site, $when) = @_;
    is request($site->{port}, '/a.txt')->{body}, "hello\n", "$when: requests are answered";
    my ($before) = $site->pids('docs', 'light');
    my ($code, $out, $err) = $site->mpsup('restart');
    is $code, 0, "$when: restart works" or diag $out, $err;
    isnt(($site->pids('docs', 'light'))[0], $before, "$when: by another process");
    return;
}

sub goes_down {
    my ($site, $when) = @_;
    my ($code, $out, $err) = $site->mpsup('down');
    is $code, 0, "$when: down works" or diag $out, $err;
    return;
}

sub is_said {
    my ($site, $what, $pattern) = @_;
    ok eval { wait_until(10, $what, sub { trouble($site) =~ $pattern }) }, "$what: status says so" or diag trouble($site);
    like +($site->mpsup('status'))[1], qr/^history: .*$pattern/m, "$what: in words too";
    return;
}

sub is_over {
    my ($site, $what) = @_;
    ok eval { wait_until(10, $what, sub { $site->must('restart'); trouble($site) eq '' }) }, "$what: it is over" or diag trouble($site);
    return;
}

sub has_event {
    my ($site, $kind, $pattern) = @_;
    my $found = eval { wait_until(10, $kind, sub { my ($event) = grep { $_->{event} eq $kind } $site->events; $event }) };
    like $found->{reason}, $pattern, "an event $kind";
    return;
}

subtest 'full' => sub {
    plan skip_all => 'needs root' if !$may_mount;
    my $site = started(size => '8m');
    system "dd if=/dev/zero of=$site->{state}/filler bs=64k 2>/dev/null; dd if=/dev/zero of=$site->{state}/filler2 bs=512 2>/dev/null";
    # What was allocated already may take a few rows yet.
    wait_until(20, 'it is full', sub { $site->mpsup('restart'); trouble($site) ne '' });
    is_said($site, 'full', qr/full|I\/O/);
    goes_on($site, 'full');
    unlink "$site->{state}/filler", "$site->{state}/filler2";
    is_over($site, 'full');
    has_event($site, 'store_recovered', qr/nothing could be written for \d+ s/);
    goes_down($site, 'full');
    system 'umount', '-l', $site->{state};
};

subtest 'full for good' => sub {
    plan skip_all => 'needs root' if !$may_mount;
    my $site = started(size => '8m');
    system "dd if=/dev/zero of=$site->{state}/filler bs=64k 2>/dev/null; dd if=/dev/zero of=$site->{state}/filler2 bs=512 2>/dev/null";
    goes_on($site, 'full');
    goes_down($site, 'full');
    system 'umount', '-l', $site->{state};
};

subtest 'read-only' => sub {
    plan skip_all => 'needs root' if !$may_mount;
    my $site = started();
    $site->must('down');
    my $database = database($site);
    system('mount', '--bind', $database, $database) == 0 or die 'mount';
    system('mount', '-o', 'remount,bind,ro', $database) == 0 or die 'remount';
    $site->must('up', $site->{file});
    is_said($site, 'read-only', qr/[Rr]ead-only/);
    goes_on($site, 'read-only');
    system('umount', $database) == 0 or die 'umount';
    is_over($site, 'read-only');
    has_event($site, 'store_recovered', qr/[Rr]ead-only/);
    goes_down($site, 'read-only');
};

subtest 'locked by another process' => sub {
    my $site = started();
    open my $shell, '|-', 'sqlite3', database($site) or die $!;
    $shell->autoflush(1);
    print {$shell} ".timeout 5000\nBEGIN EXCLUSIVE;\n";
    wait_until(10, 'it is locked', sub { system('sqlite3 ' . database($site) . q( 'BEGIN IMMEDIATE' 2>/dev/null)) != 0 });
    goes_on($site, 'locked');
    is_said($site, 'locked', qr/locked/);
    ok scalar($site->events), 'events can be read';
    sleep 1;
    close $shell or die $!;
    is_over($site, 'locked');
    has_event($site, 'store_recovered', qr/locked/);
    goes_down($site, 'locked');
};

subtest 'locked for good' => sub {
    my $site = started();
    open my $shell, '|-', 'sqlite3', database($site) or die $!;
    $shell->autoflush(1);
    print {$shell} ".timeout 5000\nBEGIN EXCLUSIVE;\n";
    wait_until(10, 'it is locked', sub { system('sqlite3 ' . database($site) . q( 'BEGIN IMMEDIATE' 2>/dev/null)) != 0 });
    goes_on($site, 'locked');
    goes_down($site, 'locked');
};

subtest 'deleted while it is open' => sub {
    my $site = started();
    unlink map { database($site) . $_ } '', '-wal', '-shm';
    goes_on($site, 'deleted');
    has_event($site, 'store_damaged', qr/was deleted or replaced/);
    is trouble($site), '', 'a new one is written';
    goes_down($site, 'deleted');
};

subtest 'damaged while it is open' => sub {
    for my $seed (1 .. 5) {
        my $site = started();
        srand $seed;
        my $path = database($site) . ($seed % 2 ? '' : '-wal');
        open my $file, '+<', $path or die "$path: $!";
        for (1 .. 200) {
            seek $file, $_ == 1 ? 0 : int rand -s $path, 0;
            print {$file} pack 'C*', map { int rand 256 } 1 .. 16;
        }
        close $file or die $!;
        goes_on($site, "seed $seed");
        goes_down($site, "seed $seed");
        $site->must('up', $site->{file});
        goes_on($site, "seed $seed, afterwards");
        is trouble($site), '', 'what is written is whole again';
        # Or the log still held what was overwritten, and nothing was lost.
        is qx(sqlite3 ${\database($site)} 'PRAGMA quick_check'), "ok\n", 'and sound';
        $site->must('down');
    }
};

subtest 'damaged while nobody had it open' => sub {
    my $site = started();
    $site->must('down');
    unlink map { database($site) . $_ } '-wal', '-shm';
    open my $file, '+<', database($site) or die $!;
    print {$file} 'garbage' x 100;
    close $file or die $!;
    $site->must('up', $site->{file});
    has_event($site, 'store_damaged', qr/was damaged .*; it is kept as \S+\.damaged-\d+/);
    goes_on($site, 'damaged');
    is scalar(() = glob database($site) . '.damaged-*'), 1, 'it is kept';
    is trouble($site), '', 'a fresh one is written';
    goes_down($site, 'damaged');
};

subtest 'of a later version' => sub {
    my $site = started();
    $site->must('down');
    is sqlite($site, 'PRAGMA user_version = 99'), 0, 'somebody ran a later mpsup';
    $site->must('up', $site->{file});
    is_said($site, 'later', qr/schema 99/);
    goes_on($site, 'later');
    goes_down($site, 'later');
    is qx(sqlite3 ${\database($site)} 'PRAGMA user_version'), "99\n", 'it is left as it is';
};

done_testing();
