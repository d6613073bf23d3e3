"""What a chain proves, checked from bytes alone: headers, commit seals, receipts, storage, events.

Nothing here talks to a node. A proof is read from the outside in: header bytes → block hash → commit
seals of a given set → receipts root or state root → trie nodes → receipt, account or slot. Each step
returns what it proved and raises ``InputError`` otherwise; a node that is missing from a proof is never
taken for the absence of a value.
"""
