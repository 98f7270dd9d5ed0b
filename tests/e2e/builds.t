# Three builds: a light and a heavy program, one for all, one that loads Perl. The same site in each, and from one to the
# other while it serves.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Copy qw(copy);
use JSON::PP qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request wait_until build_dir source_root write_file);
use POSIX ();
use Test::More;

my $site = new_site();
my $dir  = $site->dir;
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', application());
mkdir "$dir/root" and mkdir "$dir/root/static" or die;
$site->write('root/static/a.css', "a { color: red }\n");

# `only`: files and pages come from one worker.
sub topology {
    my ($build, $only) = @_;
    my $static = $only ? '' : "  docs: {kind: static, listen: \"127.0.0.1:$files\", root: root}\n";
    my $more   = $only ? ", \"127.0.0.1:$files\"" : '';
    return $site->write('site.yaml', <<"YAML");
site: test
binaries: $build
workers:
$static  app:
    {kind: dynamic, listen: ["127.0.0.1:$pages"$more], app: app.psgi, pool: 2, root: root, serves: [/static/]}
YAML
}

my %program = (one => ['mpsup-heavy', 'mpsup-heavy'], two => ['mpsup-light', 'mpsup-heavy'], dso => ['mpsup-worker', 'mpsup-worker']);

sub serves {
    my ($build, $only) = @_;
    my $page = request($pages, '/page');
    is length $page->{body}, 65536 + index($page->{body}, "\n") + 1, "$build: a page";
    for my $port ($files, $pages) {
        my $file = request($port, '/static/a.css');
        is "$file->{status} $file->{headers}{'content-type'} $file->{body}", "200 text/css; charset=utf-8 a { color: red }\n",
            "$build: a file, from the " . ($port == $files && !$only ? 'static' : 'dynamic') . ' worker';
    }
    is request($pages, '/static/none')->{status}, 404, "$build: one that is not there";
    my ($light, $heavy) = @{ $program{$build} };
    is $site->worker('app')->{binary}, $heavy, "$build: $heavy runs Perl";
    is $site->worker('docs')->{binary}, $light, "$build: $light hands out files" if !$only;
    for my $pid (map { $site->pids('app', $_) } qw(master child)) {
        is readlink("/proc/$pid/exe") =~ s{.*/}{}r, $heavy, '  which is so';
    }
    return;
}

# Asks for the file until told to stop; the code it ends with is the number of requests that failed.
sub start_file_load {
    my $stop = "$dir/stop";
    unlink $stop;
    my $pid = fork // die;
    if (!$pid) {
        my ($asked, $failed) = (0, 0);
        until (-e $stop) {
            my $reply = eval { request($files, '/static/a.css') };
            ++$failed unless $reply and $reply->{status} == 200 and $reply->{body} eq "a { color: red }\n";
            ++$asked;
        }
        write_file("$dir/asked", $asked);
        POSIX::_exit($failed > 100 ? 100 : $failed);
    }
    return sub {
        write_file($stop, '');
        waitpid $pid, 0;
        return ($? >> 8, Mpsup::Test::read_file("$dir/asked"));
    };
}

$site->must('up', topology('two'));
serves('two');

subtest 'from one to the other while it serves' => sub {
    my $finish_files = start_file_load();
    my $finish = start_load(port => $pages, seconds => build_dir() =~ m{(?:asan|tsan)$} ? 40 : 10, keep_alive => 8, one_shot => 4);
    for my $build (qw(one dso two dso one two)) {
        my $out = $site->must('up', topology($build));
        serves($build);
    }
    my ($failed, $asked) = $finish_files->();
    is $failed, 0, "none of $asked requests for a file failed";
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests for a page failed" or diag join "\n", @{ $sum->{failures} };
    cmp_ok scalar keys %{ $sum->{generations} }, '>', 1, 'several generations were seen';
    is $site->worker('app')->{restarts}{crash}, 0, 'and none crashed';
};

for my $build (qw(one dso)) {
    $site->must('up', topology($build, 1));
    is_deeply [map { $_->{name} } @{ $site->status->{workers} }], ['app'], "$build: one worker for all";
    serves($build, 1);
}
$site->must('up', topology('two'));

subtest 'what is in a program' => sub {
    my $symbols = sub {
        my ($program) = @_;
        return join '', map { my $option = $_; my $path = build_dir() . "/$program"; `nm $option $path 2>&1` } '', '-D';
    };
    my $libraries = sub { my $path = build_dir() . "/$_[0]"; return scalar `ldd $path 2>&1` };
    like $symbols->('mpsup-heavy'), qr/\bPerl_|\bPL_/, 'mpsup-heavy has symbols of Perl, so they can be seen';
    for my $program (qw(mpsup-light mpsup-worker)) {
        unlike $symbols->($program), qr/\bPerl_|\bPL_|boot_DynaLoader|perl_alloc/, "$program has none";
        unlike $libraries->($program), qr/libperl/, '  and no libperl';
    }
    unlike $symbols->('mpsup-light'), qr/load_plugin/, 'mpsup-light cannot load it either';
    like $libraries->('perl.so'), qr/libperl/, 'perl.so has it';
    unlike $libraries->('mpsup'), qr/libssl|libcrypto/, 'mpsup has no OpenSSL';
    like $libraries->('tls.so'), qr/libssl/, 'tls.so has it';
    my $path = build_dir() . '/perl.so';
    my @exported = map { /\bmpsup\b|mpsup_|N5mpsup/ ? (split)[-1] : () } grep { /\s[A-TV-Z]\s/ && !/__odr_asan/ } `nm -D --defined-only $path`;
    is_deeply \@exported, ['mpsup_perl_plugin'], '  and shows one name of ours';
};

subtest 'a perl.so that does not belong to it' => sub {
    plan skip_all => 'no C compiler' if system('cc --version >/dev/null 2>&1') != 0;
    # The loader looks beside the program: a folder of its own, with the real programs and a false perl.so.
    mkdir "$dir/bin" or die;
    for my $name (qw(mpsup mpsup-light mpsup-heavy mpsup-worker)) {
        copy(build_dir() . "/$name", "$dir/bin/$name") && chmod 0755, "$dir/bin/$name" or die "$name: $!";
    }
    my $real = build_dir();
    $site->must('down');
    local $ENV{MPSUP_BUILD} = "$dir/bin";
    $site->must('up', topology('two'));
    my ($version) = map { $_->{version} } decode_json($site->must('version', '-o', 'json'));
    my ($perl) = $^V =~ /v(\d+\.\d+)/;
    my $try = sub {
        my ($name, $expected) = @_;
        my @before = map { my $role = $_; $site->pids('app', $role) } qw(master child);
        my ($code, $out, $err) = $site->mpsup('up', topology('dso'));
        is $code, 6, "$name: refused, the old one is kept";
        like "$out$err", $expected, '  by name and version';
        like $site->log_of('app'), $expected, '  in the log too';
        is_deeply [map { my $role = $_; $site->pids('app', $role) } qw(master child)], \@before, '  the same processes serve on';
        is request($pages, '/page')->{status}, 200, '  and pages come';
    };
    my $false = sub {
        my ($magic, $api, $build, $for_perl) = @_;
        write_file("$dir/false.c", <<"C");
#include <stdint.h>
struct plugin { uint32_t magic, api; const char *build, *perl; void *(*engine)(void); };
const struct plugin mpsup_perl_plugin = {$magic, $api, "$build", "$for_perl", 0};
C
        unlink "$dir/bin/perl.so";
        is system('cc', '-shared', '-fPIC', '-o', "$dir/bin/perl.so", "$dir/false.c"), 0, 'a false perl.so';
    };
    $try->('none', qr{cannot load \Q$dir\E/bin/perl\.so: .*No such file});
    my ($api) = Mpsup::Test::read_file(source_root() . '/worker/perl/plugin.h') =~ /expected_api = (\d+)/;
    my $other = $api + 1;
    $false->('0x6d707065', $api, $version, '5.8.9');
    $try->('of another Perl', qr{\Q$dir\E/bin/perl\.so is built for perl 5\.8\.9, but libperl\S* is perl \Q$perl\E\.\d+; build mpsup again});
    $false->('0x6d707065', $other, $version, "$perl.0");
    $try->('of another interface', qr{perl\.so belongs to mpsup \Q$version\E \(engine API $other\), this is mpsup \Q$version\E \(engine API $api\)});
    $false->('0x6d707065', $api, '0.0.7', "$perl.0");
    $try->('of another version', qr{perl\.so belongs to mpsup 0\.0\.7 \(engine API $api\), this is mpsup \Q$version\E});
    $false->('1', $api, $version, "$perl.0");
    $try->('something else', qr{perl\.so is no Perl engine of mpsup});
    unlink "$dir/bin/perl.so";
    copy("$real/perl.so", "$dir/bin/perl.so") or die;
    $site->must('up', topology('dso'));
    serves('dso');
    $site->must('down');
};

done_testing;
