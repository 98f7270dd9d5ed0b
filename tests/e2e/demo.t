# The demo, as a new user gets it: gitweb's pages from the heavy worker, what they link to from the light one.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request read_file source_root);
use Test::More;

plan skip_all => 'gitweb is not installed' if !-r '/usr/share/gitweb/gitweb.cgi';

for my $layout (['two-ports', '127.0.0.1'], ['two-ips', '127.0.0.2']) {
    my ($name, $dynamic_address) = @$layout;
    my $site = new_site(name => 'gitweb');
    my $files = free_port();
    my $pages = $dynamic_address eq '127.0.0.1' ? free_port() : $files; # one port of two addresses

    # The topology as it is shipped, but for its ports, which may be taken here.
    my $topology = source_root() . "/topologies/$name.yaml";
    local @ENV{qw(FILES_PORT PAGES_PORT PORT)} = ($files, $pages, $files);

    $site->must('up', $topology);
    is $site->status->{layout}, $name, "$name: the layout has its name";

    my $page = request($pages, '/', address => $dynamic_address);
    is $page->{status}, 200, "$name: a page";
    like $page->{headers}{'content-type'}, qr{^application/xhtml\+xml|^text/html}, "$name: is a page";
    like $page->{body}, qr{git web interface version}, "$name: of gitweb";

    my @links = $page->{body} =~ m{(?:href|src)="([^"]+\.(?:css|js|png))"}g;
    my ($project) = $page->{body} =~ m{href="(/?\?p=[^"]*a=summary[^"]*)"};
    ok $project, "$name: the repository is listed";
    $project =~ s{^/?}{/};
    $project =~ s{&amp;}{&}g;
    my $summary = request($pages, $project, address => $dynamic_address);
    like $summary->{body}, qr{<title>[^<]*summary}, "$name: and can be browsed";
    push @links, $summary->{body} =~ m{(?:href|src)="([^"]+\.(?:css|js|png))"}g;

    my %type = (css => qr{^text/css}, js => qr{^(?:text|application)/javascript}, png => qr{^image/png$});
    my %seen;
    for my $link (grep { !$seen{$_}++ } @links) {
        my ($path, $extension) = $link =~ m{^http://127\.0\.0\.1:$files(/static/\S+\.(\w+))$};
        ok $path, "$name: $link leads to the static worker" or next;
        my $file = request($files, $path);
        is $file->{status}, 200, "$name: $path is there";
        like $file->{headers}{'content-type'}, $type{$extension}, "$name: $path has its own media type";
        is $file->{body}, read_file("/usr/share/gitweb$path"), "$name: $path is the file";
    }
    for my $extension (qw(css js png)) {
        ok scalar(grep { /\.$extension$/ } keys %seen), "$name: pages link to $extension";
    }

    is request($files, '/')->{status},              404, "$name: the static worker answers under serves only";
    is request($files, '/gitweb.cgi')->{status},    404, "$name: and hands out no program";
    is request($pages, '/up', address => $dynamic_address)->{body}, "ok\n", "$name: /up says so";

    my @before = map { $site->pids('httpd_perl', $_) } qw(master child);
    like $site->must('up', $topology), qr/nothing changed/, "$name: up again says that nothing changed";
    is_deeply [map { $site->pids('httpd_perl', $_) } qw(master child)], \@before, "$name: and the pids are the same";
    $site->must('restart');
    my @after = map { $site->pids('httpd_perl', $_) } qw(master child);
    ok !(grep { my $pid = $_; grep { $_ == $pid } @before } @after), "$name: restart replaces every process";
    like request($pages, $project, address => $dynamic_address)->{body}, qr{<title>[^<]*summary}, "$name: and pages are as before";
    $site->must('down');
    ok !eval { request($pages, '/up', address => $dynamic_address) }, "$name: nobody listens after down";
}

done_testing;
