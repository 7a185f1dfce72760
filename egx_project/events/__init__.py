"""Numbered facts: what changed, written in the transaction that changed it."""
