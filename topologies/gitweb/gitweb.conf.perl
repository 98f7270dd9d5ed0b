# gitweb.conf(5) of the demo: it shows the repository that this folder lies in. Read for each request, in this folder.
use Cwd            ();
use File::Basename ();

sub first_line_of {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    my $line = <$in> // '';
    chomp $line;
    return $line;
}

# The work tree around this folder has a folder .git; that of `git worktree` has a file there, which names another folder.
sub find_git_dir {
    my $tree = Cwd::getcwd();
    $tree = File::Basename::dirname($tree) until -e "$tree/.git" or $tree eq '/';
    return Cwd::abs_path("$tree/.git") if -d "$tree/.git";
    my ($own) = first_line_of("$tree/.git") =~ /\Agitdir: (.+)/ or die "this folder lies in no git repository, so there is nothing to show\n";
    $own = "$tree/$own" if $own !~ m{\A/};
    my $common = first_line_of("$own/commondir");
    return Cwd::abs_path($common =~ m{\A/} ? $common : "$own/$common");
}

# The last two parts of the path are the project's name: "mpsup/.git".
my $git_dir = find_git_dir();
my $tree    = File::Basename::dirname($git_dir);
$projectroot = File::Basename::dirname($tree);
my $project = File::Basename::basename($tree) . '/' . File::Basename::basename($git_dir);
$project =~ s{([^A-Za-z0-9._/-])}{sprintf '%%%02X', ord $1}ge;

# A list of one line, so that gitweb neither searches nor shows anything else. In a file without a name: nothing to
# clean up. The handle lives as long as the program.
$strict_export = 1;
open our $mpsup_list, '+>', undef or die "no temporary file: $!\n";
syswrite $mpsup_list, "$project\n";
$projects_list = '/proc/self/fd/' . fileno $mpsup_list;

# Whoever serves that: `links: rewrite` of the topology leads to another server where there is one.
@stylesheets = ('/static/gitweb.css');
$logo        = '/static/git-logo.png';
$favicon     = '/static/git-favicon.png';
$javascript  = '/static/gitweb.js';

$site_name = 'mpsup demo';

1;
