# Status, events and logs of a site on two machines, read on one of them; and who may ask supervisors from outside.
use strict;
use warnings;
use Mpsup::Cluster;
use IO::Socket::INET;
use JSON::PP    qw(decode_json);
use Mpsup::Test qw(request wait_until);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1)]);
my $files   = $cluster->files;
mkdir $files->dir . '/root';
$files->write('root/a.txt', "a\n");
$files->write('app.psgi', "my \$go = '" . $files->dir . "/go';\n" . <<'APP');
sub { print STDERR "app says $_[0]{QUERY_STRING}\n"; if ($_[0]{QUERY_STRING} eq 'hold') { select undef, undef, undef, 0.05 while !-e $go } [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }
APP
$cluster->supervise;
my $web  = $cluster->on('web1');
my %ip   = map { $_ => $cluster->network->address($_) } $cluster->names;
my ($code, $out, $err) = $web->mpsup('up', $cluster->topology(<<"YAML"), '--timeout', '60s');
  docs: {kind: static, on: web1, listen: 8080, root: root}
  app: {kind: dynamic, on: app1, listen: 8081, app: app.psgi, pool: 2}
  front: {kind: accelerator, on: app1, listen: 8090, routes: [{path: /, to: "$ip{web1}:8080"}]}
YAML
is $code, 0, 'it is up' or BAIL_OUT("$out$err" . join '', map { $cluster->log($_) } $cluster->names);
$cluster->wait_converged(20);

sub json_of { my (@words) = @_; my ($code, $out, $err) = $web->mpsup(@words, '-o', 'json'); return eval { decode_json($out) } // die "@words: $code $out$err" }
sub seconds { my ($work) = @_; my $began = time; $work->(); return time - $began }

# GET over TCP from where the test is, which is no machine; or on a machine.
sub ask_peer {
    my ($name, $text) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => $ip{$name}, PeerPort => 7117, Timeout => 5) or return 'no connection';
    print $client "$text HTTP/1.1\r\nHost: x\r\n\r\n";
    local $/;
    return <$client> // '';
}

subtest 'of both machines' => sub {
    my $status = json_of('status');
    is_deeply [sort map { "$_->{machine} $_->{name}" } @{ $status->{workers} }], ['app1 app', 'app1 front', 'web1 docs'], 'one list of workers';
    is_deeply [map { $_->{answered} ? "$_->{name} answered" : $_->{name} } @{ $status->{machines} }], ['app1 answered', 'web1 answered'], 'and a row for each machine';
    is_deeply [map { $_->{name} } @{ json_of('status', '--machine', 'app1')->{workers} }], ['app', 'front'], '--machine';
    like +($web->mpsup('workers'))[1], qr/^app1 +app +\d+ +master.*^web1 +docs +\d+ +light/ms, 'processes';
    my @events = @{ json_of('events', '-n', 1000)->{events} };
    is_deeply [sort keys %{ {map { $_->{machine} => 1 } @events} }], [qw(app1 web1)], 'events';
    is_deeply [map { $_->{at_ms} } @events], [sort { $a <=> $b } map { $_->{at_ms} } @events], 'in the order of time';
    is scalar @{ json_of('events', '-n', 3)->{events} }, 3, 'so many of the last ones';
    is_deeply [grep { $_->{machine} ne 'app1' } @{ json_of('events', '--machine', 'app1')->{events} }], [], 'of one';
    request(8081, '/?one', address => $ip{app1});
    wait_until(5, 'a line', sub { ($web->mpsup('logs', 'app'))[1] =~ /^app1 app \| app says one$/m });
    is +($web->mpsup('logs', 'app', '--machine', 'web1'))[0], 1, 'web1 has no such log';
    is +($web->mpsup('logs', '--machine', 'app7'))[0], 2, 'nor is there app7';
    note +($web->mpsup('status'))[1];
};

subtest 'what an accelerator on the other machine says' => sub {
    my ($front) = grep { $_->{name} eq 'front' } @{ json_of('status')->{workers} };
    is_deeply [map { $_->{address} } @{ $front->{backends} }], ["$ip{web1}:8080"], 'its backends';
    like +($web->mpsup('status'))[1], qr/^app1 +\Q$ip{web1}\E:8080 +front +up /m, 'in the table';
    unlike +($web->mpsup('status', '--machine', 'web1'))[1], qr/BACKEND/, 'which --machine narrows';
    my ($code, $out) = $web->mpsup('explain', "http://$ip{app1}:8090/a.txt");
    like $out, qr/^backend +\Q$ip{web1}\E:8080: up/m, 'and what becomes of a request';
};

subtest 'logs are followed on both' => sub {
    my $file = $files->dir . '/followed';
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', $file or die;
        exec $web->command('logs', '-f', '-n', '0', '--access') or die;
    }
    my $n = 0;
    my $comes = sub { my ($port, $name) = @_; $n++; request($port, "/a.txt?n=$n", address => $ip{$name}); Mpsup::Test::read_file($file) =~ /^$name .*\?n=/m };
    wait_until(20, 'lines of web1', sub { $comes->(8080, 'web1') });
    wait_until(20, 'lines of app1', sub { $comes->(8081, 'app1') });
    $cluster->end('app1', 'KILL');
    $cluster->supervise('app1');
    my $last = ++$n;
    request(8081, "/back?n=$last", address => $ip{app1});
    wait_until(20, 'app1 is followed again', sub { Mpsup::Test::read_file($file) =~ /^app1 app \| .*back\?n=$last /m });
    pass 'also after its supervisor was replaced';
    kill 'TERM', $pid;
    waitpid $pid, 0;
    my %seen;
    $seen{$_}++ for split /\n/, Mpsup::Test::read_file($file);
    my @twice = grep { $seen{$_} > 1 && /\bn=\d/ } keys %seen; # probes say the same each time
    is_deeply \@twice, [], 'no line twice';
};

# What clients bring to a machine itself: nobody is kept from that, and it is waited for.
subtest 'drain --wait counts what clients ask of the machine' => sub {
    my %held = (app1 => [8081, '/?hold', sub { $files->write('go', '') }], web1 => [8080, '/large', sub { close $_[0] }]);
    open my $large, '>', $files->dir . '/root/large' or die;
    truncate $large, 200 << 20 or die; # more than sockets hold
    my ($refused, $why) = ($web->mpsup('drain', 'web1'))[0, 2];
    is $refused, 1, 'a file server that an accelerator elsewhere needs is not drained by accident';
    like $why, qr/web1 is the only machine of docs, which front needs/, 'and it is said why';
    for my $name (sort keys %held) {
        my ($port, $path, $let_go) = @{ $held{$name} };
        my $client = IO::Socket::INET->new(PeerAddr => $ip{$name}, PeerPort => $port) or die;
        print $client "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        my $finish = $cluster->begin('web1', 'drain', $name, '--wait', '--force');
        ok wait_until(15, 'it is counted', sub { ($cluster->machine($name)->{in_flight} // 0) == 1 }), "$name has it in flight";
        ok !$finish->('has ended'), 'and is waited for';
        $let_go->($client);
        my ($code, $out, $err) = $finish->();
        is $code, 0, 'then nothing is' or diag $out, $err;
        is +($web->mpsup('uncordon', $name))[0], 0, 'back';
    }
    is_deeply [map { "$_->{kind} @{ $_->{machines} } by $_->{who}\@$_->{from} $_->{note}" } @{ json_of('history')->{changes} }],
        [map { ("drain $_ by root\@web1 --force", "uncordon $_ by root\@web1 ") } sort keys %held], 'history has who said it, not what was refused';
};

subtest 'a supervisor that does not answer' => sub {
    $cluster->wait_converged(20);
    kill 'STOP', $cluster->pid('app1');
    my ($code, $out);
    cmp_ok seconds(sub { ($code, $out) = $web->mpsup('status') }), '<', 5, 'is not waited for';
    is $code, 5, 'and status says so';
    like $out, qr/^app1 .*does not answer: no answer in time$/m, 'by name';
    cmp_ok seconds(sub { ($code, $out, $err) = $web->mpsup('logs', '--access') }), '<', 6, 'nor for logs';
    is $code, 1, 'which are not all';
    like $err, qr/app1 does not answer/, 'by name';
    like $out, qr/^web1 docs \| /m, 'those of the other are there';
    kill 'CONT', $cluster->pid('app1');
    wait_until(20, 'all is well again', sub { ($web->mpsup('status'))[0] == 0 });
    pass 'and back';
};

# What is said on app1 to web1's supervisor; with words for s_client: through TLS.
sub ask_from_app1 {
    my ($text, @tls) = @_;
    my $plain  = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => shift, PeerPort => 7117, Timeout => 5) or die; print $s shift, " HTTP/1.1\r\nHost: x\r\n\r\n"; local $/; print <$s>';
    my $secure = 'to=$1; text=$2; shift 2; printf "%s HTTP/1.1\r\nHost: x\r\n\r\n" "$text" | openssl s_client -quiet -connect "$to:7117" "$@" 2>/dev/null';
    my @words  = @tls ? ('sh', '-c', $secure, 'ask', $ip{web1}, $text, @tls) : ($^X, '-e', $plain, $ip{web1}, $text);
    open my $said, '-|', $cluster->network->inside('app1'), @words or die;
    local $/;
    return <$said> // '';
}

subtest 'who may ask' => sub {
    is ask_peer('web1', 'GET /v1/status'), '', 'nobody but machines';
    unlike ask_from_app1('GET /v1/status'), qr/HTTP/, 'nor other users of those';
    unlike ask_from_app1('GET /v1/status', '-tls1_3'), qr/HTTP/, 'by TLS';
    my $key = $files->dir . '/app1/test/peer.pem';
    is((stat $key)[2] & 07777, 0600, 'who cannot read the key of its supervisor');
    my @own = ('-cert', $key, '-key', $key);
    like ask_from_app1('GET /v1/status', @own), qr/\AHTTP\/1\.1 200 .*"site":"test"/s, 'which a machine may';
    like ask_from_app1('GET /v1/machines', @own), qr/\AHTTP\/1\.1 404 /, 'but only ask of this one';
    like ask_from_app1('POST /v1/down', @own), qr/\AHTTP\/1\.1 405 /, 'and order nothing';
    like Mpsup::Test::read_file($cluster->log_file('web1')), qr/\[warning\] a supervisor at \Q$ip{app1}\E that asks was refused: TLS: /, 'the log has who was refused';
};

subtest 'a key that cannot be made at first' => sub {
    my $key = $files->dir . '/app1/test/peer.pem';
    $cluster->end('app1', 'KILL');
    unlink $key or die "$key: $!";
    mkdir "$key.new" or die "$key.new: $!";
    $cluster->start_supervisor('app1');
    $cluster->wait_for_supervisor('app1');
    my $says = sub { my ($name, $what) = @_; return sub { ($cluster->on($name)->mpsup('status'))[1] =~ $what } };
    ok wait_until(20, 'status there', $says->('app1', qr/^app1 .* has no certificate to be known by: open \S+peer\.pem\.new: Is a directory$/m)), 'its status says why';
    ok wait_until(20, 'status elsewhere', $says->('web1', qr/^app1 .*does not answer: .*it has none \(its log says why\)/m)), 'the status of others where to look';
    like Mpsup::Test::read_file($cluster->log_file('app1')), qr/\[warning\] supervisors cannot ask each other: open \S+peer\.pem\.new: Is a directory/, 'and so does its log';
    rmdir "$key.new" or die "$key.new: $!";
    ok wait_until(30, 'it has one', sub { ($web->mpsup('status'))[0] == 0 }), 'then it is made, without a restart';
};

subtest 'certificates of an authority' => sub {
    my $dir     = $files->dir;
    my $openssl = sub { system("openssl $_[0] 2>/dev/null") == 0 };
    my $curve   = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3';
    my $certify = sub {
        my ($name, $ca) = @_;
        $files->write("$name.ext", "subjectAltName=IP:$ip{$name}");
        return $openssl->("req $curve -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.csr")
            && $openssl->("x509 -req -in $dir/$name.csr -CA $dir/$ca.pem -CAkey $dir/$ca.key -days 3 -extfile $dir/$name.ext -out $dir/$name.pem");
    };
    $openssl->("req -x509 $curve -subj /CN=$_ -keyout $dir/$_.key -out $dir/$_.pem") || plan skip_all => 'openssl makes no certificates here' for qw(ca other);
    $certify->($_, 'ca') || plan skip_all => 'openssl makes no certificates here' for qw(web1 app1);
    my $begin_anew = sub {
        my ($name) = @_;
        $cluster->end($name, 'KILL');
        $cluster->start_supervisor($name, '--peer-ca', "$dir/ca.pem", '--peer-cert', "$dir/$name.pem", '--peer-key', "$dir/$name.key");
        $cluster->wait_for_supervisor($name);
    };
    my $says = sub { my ($what) = @_; return sub { ($web->mpsup('status'))[1] =~ $what } };
    $begin_anew->('web1');
    wait_until(20, 'one that has none is named', $says->(qr/^app1 .*does not answer: its certificate is not believed: self-signed certificate$/m));
    chmod 0644, "$dir/app1.key" or die "chmod: $!";
    $begin_anew->('app1');
    like Mpsup::Test::read_file($cluster->log_file('app1')), qr{\[warning\] --peer-key: others may reach \S+/app1\.key; chmod o-rwx it$}m, 'a key that others may read is named';
    wait_until(20, 'both have one', sub { ($web->mpsup('status'))[0] == 0 });
    pass 'supervisors with certificates ask each other';
    $certify->('app1', 'other');
    wait_until(20, 'another certificate counts at once', $says->(qr/^app1 .*does not answer: its certificate is not believed: /m));
    $certify->('app1', 'ca');
    wait_until(20, 'and the next one', sub { ($web->mpsup('status'))[0] == 0 });
    pass 'files are read anew';
};

subtest 'a machine that the topology does not have' => sub {
    my $file = $files->write('others.yaml', "site: test\nmachines: {web1: {address: $ip{web1}}, app7: {address: $ip{app1}}}\nworkers:\n  docs: {kind: static, on: web1, listen: 8080, root: root}\n");
    my ($code, $out) = $web->mpsup('up', $file, '--timeout', '60s');
    is $code, 0, 'it is left out';
    like $out, qr/not in it any more, so nothing runs there: app1; app7 has the address of app1, which lives: is it the same machine\?/, '  and whoever did that is told';
    my $words = qr/not in the topology, so nothing runs here; its machines are app7, web1: start/;
    my $log   = sub { return Mpsup::Test::read_file($cluster->log_file('app1')) };
    ok wait_until(20, 'its log', sub { $log->() =~ /\[warning\] this machine, app1, is $words/ }), 'its log says which ones that has';
    like +($cluster->on('app1')->mpsup('status'))[1], qr/^app1 .* $words/m, 'and its status';
    like +($web->mpsup('status'))[1], qr/^app1 .* not in the topology$/m, 'others say it in a word';
    is scalar(() = $log->() =~ /$words/g), 1, 'in the log once';
};

done_testing;
