"""YAML in, YAML out: what people write, as `gateways.spec` objects, and back."""
