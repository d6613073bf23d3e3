"""Joins adapters to services; the only package that may."""
