// A perl.so that is none of ours, or not of this version: what differs is given by the build.
#include "worker/perl/plugin.h"

#ifndef FAKE_MAGIC
#define FAKE_MAGIC mpsup::perl::Plugin::expected_magic
#endif
#ifndef FAKE_API
#define FAKE_API mpsup::perl::Plugin::expected_api
#endif
#ifndef FAKE_BUILD
#define FAKE_BUILD MPSUP_VERSION
#endif
#ifndef FAKE_PERL
#define FAKE_PERL "5.36.0"
#endif
#ifndef FAKE_SYMBOL
#define FAKE_SYMBOL mpsup_perl_plugin
#endif

extern "C" const mpsup::perl::Plugin FAKE_SYMBOL;
const mpsup::perl::Plugin FAKE_SYMBOL{FAKE_MAGIC, FAKE_API, FAKE_BUILD, FAKE_PERL, nullptr};
