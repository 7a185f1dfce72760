"""REST: asking for changes and watching them."""
