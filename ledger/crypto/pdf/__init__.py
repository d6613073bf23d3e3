"""Signed and sealed PDF documents (ISO 32000-2 section 12.8, ETSI EN 319 142-1): read and verified. pyHanko is loaded
when the first PDF comes, never for a bundle alone."""
