#include "worker/perl/plugin.h"

// The one name that perl.so exports.
extern "C" __attribute__((visibility("default"))) const mpsup::perl::Plugin mpsup_perl_plugin; // NOLINT
const mpsup::perl::Plugin mpsup_perl_plugin{mpsup::perl::Plugin::expected_magic, mpsup::perl::Plugin::expected_api,
                                            MPSUP_VERSION, MPSUP_PERL_VERSION, mpsup::perl::linked_engine};
