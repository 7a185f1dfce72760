"""Container registries as channels: the OCI distribution API. Plain Python."""
