# Where the servers of a site are, for applications that make links to them.
package Mpsup::Links;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(static_url dynamic_url url_for);

# As the worker was told; an application may change %ENV later.
my ($static, $dynamic) = @ENV{qw(MPSUP_STATIC_URL MPSUP_DYNAMIC_URL)};
my @servers = servers_of($ENV{MPSUP_LINKS}); # [beginning of a path, URL], the longest first

sub static_url  { return ($static  // '') . $_[0] }
sub dynamic_url { return ($dynamic // '') . $_[0] }

sub url_for {
    my ($target) = @_;
    return $target unless $target =~ m{\A(/[^?#]*)};
    my $path = $1 =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
    for my $server (@servers) {
        my ($beginning, $url) = @$server;
        next unless index($path, $beginning) == 0;
        my $is_whole = $beginning =~ m{/\z} || length $path == length $beginning || substr($path, length $beginning, 1) eq '/';
        return $url . $target if $is_whole;
    }
    return $target;
}

# "http://a:8081 / http://a:8080 /static/ /img/": each URL is followed by its paths. Sorting is stable.
sub servers_of {
    my ($text) = @_;
    my (@found, $url);
    for my $word (split ' ', $text // '') {
        if   ($word =~ m{\A/}) { push @found, [$word, $url] }
        else                   { $url = $word }
    }
    return sort { length $b->[0] <=> length $a->[0] } @found;
}

1;

__END__

=head1 NAME

Mpsup::Links - links from one server of a site to another

=head1 SYNOPSIS

    use Mpsup::Links qw(static_url dynamic_url url_for);

    static_url('/static/shop.css')   # http://127.0.0.1:8080/static/shop.css
    dynamic_url('/cart?item=7')      # http://127.0.0.1:8081/cart?item=7
    url_for('/static/shop.css')      # by the `serves` of the workers

=head1 DESCRIPTION

Where files and pages come from servers of their own, a link without a host leads to the server that the page came from. With
C<links: rewrite> or C<links: redirect> in the topology mpsup takes care of that; with C<links: off> the application does, by
these functions. There is nothing to be installed for an application that mpsup runs: the module is there already. Programs that
run by themselves (CGI in mode C<exec>) and C<plackup> find it in the folder of Plack::Handler::Mpsup.

What is known was told to the worker when it was started; a change of addresses starts it anew. PSGI applications have the
first two as C<mpsup.url.static> and C<mpsup.url.dynamic> in their environment, and CGI programs as C<MPSUP_STATIC_URL> and
C<MPSUP_DYNAMIC_URL>.

=head1 FUNCTIONS

Nothing is exported unless it is asked for. Each takes a path that begins with a slash, escaped as in a URL, maybe with a
query and a fragment.

=over

=item static_url($path)

With the URL of the first static worker before it; of the accelerator where there is no static worker. Without either, or outside
of mpsup, the path as it is.

=item dynamic_url($path)

The same of the first dynamic worker.

=item url_for($path)

With the URL of the server that has the path: the one with the longest beginning of it in C<serves>, else the dynamic one.
Behind an accelerator, where all paths are of one server, the path as it is; and so is whatever does not begin with a slash.

=back

=cut
