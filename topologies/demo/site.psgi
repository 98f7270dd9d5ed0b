# Both sites of the demo as one application: gitweb, which is a CGI program, at /, and our own at /demo/.
use strict;
use warnings;
use Mpsup::Registry;    # built into mpsup: a folder of CGI programs as an application
use Plack::Builder;
use Plack::Util ();

my $folder = __FILE__ =~ s{[^/]*\z}{}r;
my $gitweb = Mpsup::Registry->new(
    dir   => "$folder../gitweb",
    modes => {'index.cgi' => 'fork'},    # a process for each request, with gitweb compiled already
);

builder {
    mount '/demo' => Plack::Util::load_psgi("${folder}demo.psgi");
    mount '/'     => $gitweb->to_app;
};
