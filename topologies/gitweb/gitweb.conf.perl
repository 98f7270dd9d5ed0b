# gitweb.conf(5) of the demo; app.psgi names it and sets GITWEB_GIT_DIR.
use File::Basename ();

# The last two parts of the path are the project's name: "mpsup/.git".
my $git_dir = $ENV{GITWEB_GIT_DIR};
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

# Pages come from the dynamic worker, what they link to from the static one.
my $static = $ENV{MPSUP_STATIC_URL} // '';
@stylesheets = ("$static/static/gitweb.css");
$logo        = "$static/static/git-logo.png";
$favicon     = "$static/static/git-favicon.png";
$javascript  = "$static/static/gitweb.js";

$site_name = 'mpsup demo';

1;
