"""Crash and fault runs of `scripts/faults.py`."""
