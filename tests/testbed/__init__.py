"""Real parts for tests: Docker Engine, a registry on loopback, and in it images that were made here."""
