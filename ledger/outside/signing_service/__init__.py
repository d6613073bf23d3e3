"""The signer as a process of its own. FORMATS, "Remote signer"."""
