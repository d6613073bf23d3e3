"""Sealed OFD documents (GB/T 33190-2016 section 18, GM/T 0099-2020): the container, the list of seals, the license's
metadata. Read and verified, never changed."""
