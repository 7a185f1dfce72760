"""Who asks, and what they may: users with roles, API tokens, one-time login links, the Unix socket's owner."""
