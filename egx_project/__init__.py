"""EGX: Envoy Gateway on a developer's machine in one command, and every change to it safe."""
