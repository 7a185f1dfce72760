"""REST: EGX itself, and its events."""
