# Plack's own suite for PSGI servers, with Plack's Lint around the application: 36 requests, and every one as it should be.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port);
use Test::More;

# What it needs comes with libplack-perl in Debian; elsewhere it may be missing.
plan skip_all => "Plack::Test::Suite cannot be loaded: $@" if !eval { require Plack::Test::Suite; require Plack::LWPish; 1 };

my $site = new_site();
my $port = free_port();
$site->write('app.psgi', <<'APP');
use strict; use warnings;
use Plack::Middleware::Lint;
use Plack::Test::Suite;
my $suite = Plack::Middleware::Lint->wrap(Plack::Test::Suite->test_app_handler);
sub {
    my $env = shift;
    return defined $env->{HTTP_X_PLACK_TEST} ? $suite->($env) : [200, ['Content-Type' => 'text/plain'], ["$$"]]; # health
};
APP
$site->must('up', $site->topology(<<"YAML"));
  app: {kind: dynamic, listen: "127.0.0.1:$port", app: app.psgi, pool: 2, health: {every: 60s}}
YAML

my ($requests, $number) = (0, 0);
my $client = Plack::LWPish->new(no_proxy => ['127.0.0.1'], timeout => 20);
Plack::Test::Suite->runtests(sub {
    my ($name, $ask) = @_;
    my $this = $number++;
    note "$this: $name";
    $ask->(sub {
        my ($request) = @_;
        ++$requests;
        $request->uri->port($port);
        $request->header('X-Plack-Test' => $this);
        return $client->request($request);
    });
});
my $assertions = Test::More->builder->current_test;
cmp_ok $number, '>=', 36, "the suite is whole: $number cases, $requests requests";
cmp_ok $assertions, '>=', 101, "  and $assertions assertions";

my $worker = $site->worker('app');
is $worker->{restarts}{crash}, 0, 'no child was lost on the way';
unlike $site->log_of('app'), qr/Plack::Middleware::Lint|must be|should be/, 'and Lint had nothing to say in the log';

done_testing;
