// What is precompiled needs a target with a source.
