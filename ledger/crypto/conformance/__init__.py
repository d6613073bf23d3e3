"""Does the material of a certification authority fit this ledger? One page of findings for its engineers."""
