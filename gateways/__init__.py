"""WHAT should exist: gateways, routes, backends, as Gateway API desired state."""
