// From what an application returned to bytes for the client. Private to worker/perl.
#pragma once

#include "worker/perl/exchange.h"

namespace mpsup::perl {

/// Passes a response on: an array reference or a code reference (PSGI 1.1, "The Response"). Dies for what breaks the
/// specification, before anything was sent where that can be known.
void pass_response(pTHX_ Exchange& exchange, SV* response);

/// Makes the functions that Glue.pm calls: Mpsup::PSGI::start, put, flush, send_file, respond, inform, is_current.
void define_response_functions(pTHX);

} // namespace mpsup::perl
