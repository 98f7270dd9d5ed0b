# gitweb, the program that Debian's gitweb package ships, as a PSGI application: it shows the repository that this file
# lies in.
use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(dirname);
use Plack::App::URLMap;
use Plack::App::WrapCGI;

my $here = dirname(abs_path(__FILE__));
my $cgi  = '/usr/share/gitweb/gitweb.cgi';
die "$cgi is not there; install the package gitweb\n" unless -r $cgi;

# The work tree around this file. A clone has a folder .git, a worktree a file that names another folder.
my $tree = $here;
$tree = dirname($tree) until -e "$tree/.git" or $tree eq '/';
die "$here lies in no git repository, so there is nothing to show; clone it with git\n" unless -e "$tree/.git";

# git reads a repository of another user only when told that it may (we may run as root, or as www-data).
open my $git, '-|', 'git', '-c', "safe.directory=$tree", '-C', $tree, 'rev-parse', '--path-format=absolute',
    '--git-common-dir'
    or die "cannot run git: $!\n";
my $git_dir = <$git> // '';
close $git;
chomp $git_dir;
die "git does not say where the repository of $tree is\n" unless -d $git_dir;

# gitweb runs as a program of its own for every request and finds its way by these.
$ENV{GITWEB_CONFIG}  = "$here/gitweb.conf.perl";
$ENV{GITWEB_GIT_DIR} = $git_dir;

my $site = Plack::App::URLMap->new;

# For health checks: Perl is up and the application loaded. gitweb itself answers 200 to every path.
$site->map('/up' => sub { [200, ['Content-Type' => 'text/plain', 'Content-Length' => 3], ["ok\n"]] });

# execute => 1 runs the program itself: compiled into a subroutine (CGI::Compile), gitweb's diffs break.
$site->map('/' => Plack::App::WrapCGI->new(script => $cgi, execute => 1)->to_app);

$site->to_app;
