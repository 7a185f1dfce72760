"""The Docker Engine's API, one subject a module; `daemon.Daemon` is what drivers ask. Its SDK is imported here only."""
