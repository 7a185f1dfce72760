"""REST: desired state, where it is only read, and targets."""
