// perl.h, the way it must be included. Private to worker/perl.
#pragma once

// The standard library first: perl.h defines macros with common names.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#define PERL_NO_GET_CONTEXT // the interpreter is passed along: looking it up costs a call a macro
#include <EXTERN.h>
#include <XSUB.h>
#include <perl.h>

// Macros of perl.h that collide with the standard library, or with ours.
#undef do_open
#undef do_close
#undef seed
#undef bind
