"""Gateway API to Envoy's xDS resources: pure functions, JSON-ready dictionaries out."""
