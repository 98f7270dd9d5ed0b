// mpsup-light: serves files. There is no Perl in it.
#include "worker/program.h"

int main(int argc, char** argv, char** environment) {
    return mpsup::run_worker("mpsup-light", {argc, argv, environment}, {});
}
