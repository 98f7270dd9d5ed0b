#ifdef __SANITIZE_ADDRESS__
// perl_construct keeps a few bytes that only perl_destruct would free, and that is never called.
extern "C" const char* __lsan_default_suppressions() { return "leak:libperl\n"; } // NOLINT: the sanitizer's name
#endif
