"""The Docker Engine's API, one subject a module. `daemon.Daemon` is what drivers ask: they never call the SDK."""
