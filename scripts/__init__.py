"""Scripts for developers: set-up, demonstration, contract compiler, benchmarks."""
