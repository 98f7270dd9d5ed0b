# What applications are told of the life of their processes, and what they are told of what they should not share.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(new_site free_port request wait_until read_file write_file);
use Test::More;

my $site = new_site();
my $port = free_port();
my $dir  = $site->dir;
my $peer = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "listen: $!";
my $to   = $peer->sockport;
my $has_database = eval { require DBD::SQLite; 1 };
my $has_threads  = eval { require threads; 1 };
mkdir "$dir/lib";
$site->write('lib/Opens.pm', qq{package Opens;\nuse IO::Socket::INET;\nour \$socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or die;\n1;\n});
$site->write('lib/Closes.pm', qq{package Closes;\nuse IO::Socket::INET;\n{ my \$socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or die; close \$socket }\n1;\n});
$site->write('lib/Stores.pm', $has_database ? qq{package Stores;\nuse DBI;\nour \$dbh = DBI->connect('dbi:SQLite:dbname=$dir/shop.db', '', '', {RaiseError => 1});\n\$dbh->do('CREATE TABLE IF NOT EXISTS page (pid)');\n1;\n} : "package Stores; 1;\n");
$site->write('lib/Spins.pm', $has_threads ? qq{package Spins;\nuse threads;\nour \$thread = threads->create(sub { open my \$out, '>', '$dir/spins.' . \$\$; close \$out; sleep 1000 });\n\$thread->detach;\nselect undef, undef, undef, 0.01 until -e '$dir/spins.' . \$\$;\n1;\n} : "package Spins; 1;\n");
$site->write('app.psgi', <<'APP' =~ s/DIR/$dir/gr);
use strict; use warnings;
use lib 'DIR/lib';
use JSON::PP ();
use Closes;
use Opens;
require Stores;
use Spins;
my %seen = (post_fork => []);
my $master = $$;
Mpsup->post_fork(sub { push @{ $seen{post_fork} }, 'first' });
Mpsup::post_fork(sub { die "no luck in a hook\n" });
Mpsup->post_fork(sub { push @{ $seen{post_fork} }, 'third'; umask 027; chdir 'DIR/lib' or die; $seen{socket} = fileno $Opens::socket });
Mpsup->pre_exit(sub { open my $out, '>>', 'DIR/exits' or die; print {$out} "$$\n"; close $out });
sub {
    my $env = shift;
    $seen{requests}++;
    if ($env->{PATH_INFO} eq '/moves') { chdir '/' or die; umask 0 }
    my $database = $Stores::dbh ? {map { $_ => $Stores::dbh->{$_} ? 1 : 0 } qw(Active InactiveDestroy)} : undef;
    [200, ['Content-Type' => 'application/json'], [JSON::PP::encode_json({%seen, pid => $$, master => $master, parent => getppid(),
        umask => umask, folder => Cwd::getcwd(), database => $database, random => rand})]];
}
APP
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 2, health: {path: /, every: 60s}}
YAML
sub ask { return decode_json(request($port, $_[0] // '/')->{body}) }

subtest 'after the fork' => sub {
    my $seen = ask();
    is_deeply $seen->{post_fork}, ['first', 'third'], 'in their order, once, before the first request';
    isnt $seen->{pid}, $seen->{master}, 'in the child';
    like $site->log_of('app'), qr/mpsup: post_fork: no luck in a hook/, 'what dies is complained of, and the others run';
    is $seen->{umask}, 027, 'what a hook does to the process lasts';
    is $seen->{folder}, "$dir/lib", 'for the first request';
    ask('/moves') for 1 .. 4;
    my %after = map { my $s = ask(); $s->{pid} => $s } 1 .. 20;
    is_deeply [map { [@$_{qw(umask folder)}] } values %after], [map { [027, "$dir/lib"] } values %after], 'and for each after one that changed it';
    my %random;
    ++$random{ ask()->{random} } for 1 .. 20;
    is scalar(keys %random), 20, 'random numbers are not those of another child';
};

subtest 'before the exit' => sub {
    my @children = $site->pids('app', 'child');
    $site->must('restart', 'app');
    wait_until(10, 'they have left', sub { my %wrote = map { $_ + 0 => 1 } split /\n/, read_file("$dir/exits"); @children == grep { $wrote{$_} } @children });
    my ($killed) = $site->pids('app', 'child');
    select undef, undef, undef, 1.1;
    kill 'KILL', $killed;
    wait_until(5, 'another', sub { !grep { $_ == $killed } $site->pids('app', 'child') });
    unlike read_file("$dir/exits"), qr/^$killed$/m, 'but for those that are killed';
    ok !(grep { $_ == ask()->{master} } split /\n/, read_file("$dir/exits")), 'and not in the master';
};

subtest 'what must not be shared' => sub {
    my @said = grep { /not safe to fork with/ } split /\n/, $site->log_of('app');
    my @sockets = grep { /socket/ } @said;
    is scalar(@sockets), 2, 'a socket, once a start';
    like $sockets[0], qr{a socket \(descriptor \d+, to 127\.0\.0\.1:$to\), made while loading \Q$dir\E/lib/Opens\.pm \(asked for at \Q$dir\E/app\.psgi line 5\)}, 'with the line that asked for the module';
    like $sockets[0], qr/make it in Mpsup::post_fork instead/, 'and what to do';
    ok !(grep { /Closes/ } @said), 'what was closed again is no concern';
  SKIP: {
        skip 'no DBD::SQLite', 4 if !$has_database;
        my ($database) = grep { /database handle/ } @said;
        like $database, qr{DBI:SQLite:dbname=\Q$dir\E/shop\.db\), made while loading \Q$dir\E/lib/Stores\.pm \(asked for at \Q$dir\E/app\.psgi line 6\)}, 'a database handle';
        is ask()->{database}{InactiveDestroy}, 1, 'which children do not log out for their master';
        is ask()->{database}{Active}, 1, 'and may use';
    }
  SKIP: {
        skip 'no threads', 1 if !$has_threads;
        my ($threads) = grep { /threads/ } @said;
        like $threads, qr{threads, which no child has, made while loading \Q$dir\E/lib/Spins\.pm \(asked for at \Q$dir\E/app\.psgi line 7\)}, 'threads';
    }
};

subtest 'a clean application' => sub {
    $site->write('clean.psgi', q{use Mpsup; use strict; my $v = Mpsup->VERSION; sub { [200, ['Content-Type' => 'text/plain'], [$v]] }});
    my $other = free_port();
    $site->must('up', $site->topology(qq{  clean: {kind: dynamic, listen: "127.0.0.1:$other", app: clean.psgi, pool: 1}\n}));
    unlike $site->log_of('clean'), qr/not safe/, 'is not complained of';
    my $version = $site->must('version');
    my $said = request($other, '/')->{body};
    like $version, qr/\Q$said\E/, 'and may say use Mpsup';
};

done_testing;
