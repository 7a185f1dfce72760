"""Containers of users behind a gateway: which there are, and a route to one by its name alone."""
