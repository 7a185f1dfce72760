"""SHOW it: health, pages, live state."""
