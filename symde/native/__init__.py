"""Object code: compiled from LLVM IR text, kept in a cache folder, loaded into the process."""
