"""Pages, and health endpoints."""
