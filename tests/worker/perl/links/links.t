# Mpsup::Links: what an application makes of what its worker was told.
use strict;
use warnings;
use Test::More;

# In a program of its own, because the module looks at the environment once.
sub links {
    my ($code, %env) = @_;
    local @ENV{qw(MPSUP_STATIC_URL MPSUP_DYNAMIC_URL MPSUP_LINKS)} = @env{qw(static dynamic links)};
    delete $ENV{$_} for grep { !defined $ENV{$_} } qw(MPSUP_STATIC_URL MPSUP_DYNAMIC_URL MPSUP_LINKS);
    open my $from, '-|', $^X, (map { "-I$_" } @INC), '-MMpsup::Links=static_url,dynamic_url,url_for', '-e', "print join ' ', $code" or die;
    local $/;
    return scalar <$from>;
}
my %two = (static => 'http://a:8080', dynamic => 'https://b', links => 'https://b / http://a:8080 /static/ /img http://c /static/deep/');

is links(q{static_url('/static/x?y#z'), dynamic_url('/cart')}, %two), 'http://a:8080/static/x?y#z https://b/cart', 'by the kind of the worker';
is links(q{static_url('/x'), dynamic_url('/y'), url_for('/z')}), '/x /y /z', 'nothing is known: links stay within';
is links(q{map { url_for($_) } '/static/x', '/static', '/img', '/img/x', '/imgx', '/static/deep/x', '/'}, %two),
    'http://a:8080/static/x https://b/static http://a:8080/img http://a:8080/img/x https://b/imgx http://c/static/deep/x https://b/', 'by the longest beginning, in whole segments';
is links(q{map { url_for($_) } '/%73tatic/x', '/cart?to=/static/', '/cart#/static/'}, %two), 'http://a:8080/%73tatic/x https://b/cart?to=/static/ https://b/cart#/static/',
    'by the decoded path alone';
is links(q{map { url_for($_) } 'x', '', 'http://other/static/x', '?static'}, %two), 'x  http://other/static/x ?static', 'what is no path stays';
is links(q{do { delete $ENV{MPSUP_STATIC_URL}; static_url('/x') }}, %two), 'http://a:8080/x', 'what the application does to its environment makes no difference';
is links(q{url_for('/y')}, links => 'http://a /static/'), '/y', 'a path that nobody has';

done_testing();
