"""Benchmarks, one file each: ``run(sizes)`` gives rows for the table of ``scripts/bench.py``."""
