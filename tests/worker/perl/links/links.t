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
is links(q{map { url_for($_) } '/static/../cart', '/x/../static/a?b/../c', '/./static/', '/x/%2e%2E/static/a', '/../static', '/static/..', '/static/.', '/static/...', '/img/.x'}, %two),
    'https://b/cart http://a:8080/static/a?b/../c http://a:8080/static/ http://a:8080/static/a https://b/static https://b/ http://a:8080/static/ http://a:8080/static/... http://a:8080/img/.x',
    'without dot segments, as browsers ask';
is links(q{map { url_for($_) } '/static%2Fx', '/static/a%2fb', '/img%5Cx', '/static/%00', '/static/%', '/static/%4g', '/%'}, %two),
    '/static%2Fx /static/a%2fb /img%5Cx /static/%00 /static/% /static/%4g /%', 'what no server would decode belongs to nobody';
is links(q{map { url_for($_) } '/static\\x', '/x\\..\\img', "/st\tatic/x\n", '/\\other/static/', "/\t/static/", "/static/\x01", "/static/?\x02"}, %two),
    "http://a:8080/static/x http://a:8080/img http://a:8080/static/x /\\other/static/ /\t/static/ /static/\x01 /static/?\x02", 'odd characters as browsers read them';
is links(q{map { url_for($_) } '/static/%252F', '//other/static/x', '/x//static/', '/static//x', "/a\n/../static/x"}, %two),
    "http://a:8080/static/%252F //other/static/x https://b/x//static/ http://a:8080/static//x http://a:8080/static/x", 'decoded once, and no host is a path';
is links(q{map { url_for($_) } 'x', '', 'http://other/static/x', '?static'}, %two), 'x  http://other/static/x ?static', 'what is no path stays';
is links(q{do { delete $ENV{MPSUP_STATIC_URL}; static_url('/x') }}, %two), 'http://a:8080/x', 'what the application does to its environment makes no difference';
is links(q{url_for('/y')}, links => 'http://a /static/'), '/y', 'a path that nobody has';

done_testing();
