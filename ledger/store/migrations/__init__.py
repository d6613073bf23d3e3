"""Alembic's environment. Run by ``ledger.store.schema.upgrade``, never by hand."""
