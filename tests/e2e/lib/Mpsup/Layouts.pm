# The layouts in topologies/, as they are shipped, on free ports: what they show is a small repository of our own, so that
# gitweb has an end.
package Mpsup::Layouts;
use strict;
use warnings;
use Exporter    qw(import);
use Mpsup::Test qw(new_site free_port source_root read_file write_file);
use Test::More  ();

our @EXPORT_OK = qw(layout_names new_layout bring_up file_paths repository);

my $repository; # a copy of topologies/ lies in it

# Those of one machine.
sub layout_names {
    my @files = grep { read_file($_) !~ /^machines:/m } sort glob source_root() . '/topologies/*.yaml';
    return map { m{([^/]+)\.yaml\z} } @files;
}

# What is a file in each of them.
sub file_paths { return qr{\A/(?:demo/)?static/} }

# A repository of one commit, with topologies/ in it, while this program runs. Commits of long ago: gitweb shows their dates, not their ages.
sub repository {
    return $repository->{path} if $repository;
    my $dir = File::Temp->newdir('mpsup-XXXXXX', TMPDIR => 1);
    $repository = {dir => $dir, path => "$dir/demo"};
    my $path = $repository->{path};
    mkdir $path or die "$path: $!";
    local @ENV{qw(GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL)} = ('Ann', 'ann@demo.example') x 2;
    local @ENV{qw(GIT_AUTHOR_DATE GIT_COMMITTER_DATE)} = ('2020-02-20T20:20:20Z') x 2;
    local @ENV{qw(GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM)} = ('/dev/null') x 2;
    my $git = sub { system(qw(git -C), $path, @_) == 0 or die "git @_ failed" };
    $git->(qw(init -q -b main));
    write_file("$path/README", "A small <repository>.\n");
    $git->(qw(add README));
    $git->(qw(commit -q -m), 'First & last');
    system('cp', '-a', source_root() . '/topologies', $path) == 0 or die 'cp failed';
    return $path;
}

# One of them, not up yet: {name, site, file, ports, pages and files (host:port that has them)}.
sub new_layout {
    my ($name) = @_;
    my %ports = (PORT => free_port(), FILES_PORT => free_port(), PAGES_PORT => free_port());
    my %layout = (name => $name, site => new_site(name => 'gitweb'), file => repository() . "/topologies/$name.yaml", ports => \%ports);
    my ($files, $pages) = ("127.0.0.1:$ports{PORT}") x 2;
    ($files, $pages) = ("127.0.0.1:$ports{PORT}", "127.0.0.2:$ports{PORT}") if $name eq 'two-ips';
    $pages = "127.0.0.1:$ports{PAGES_PORT}" if $name =~ /\A(?:two-ports|dso)\z/;
    @layout{qw(files pages)} = ($files, $pages);
    return \%layout;
}

# All of them at the same time.
sub bring_up {
    my (@layouts) = @_;
    my @children;
    for my $layout (@layouts) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            local @ENV{ keys %{ $layout->{ports} } } = values %{ $layout->{ports} };
            my ($code, $out, $err) = $layout->{site}->mpsup('up', $layout->{file});
            print STDERR "$layout->{name}: $out$err" if $code;
            POSIX::_exit($code);
        }
        push @children, $pid;
    }
    my $failed = 0;
    for my $child (@children) { waitpid $child, 0; $failed ||= $? }
    die "not all layouts came up\n" if $failed;
    return;
}

1;
