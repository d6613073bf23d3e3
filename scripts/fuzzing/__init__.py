"""Targets, mutators and bounds of `make fuzz` and of the replay of what it found."""
