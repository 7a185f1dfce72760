"""MAKE it exist: operations, their journal, and the runtimes that they change."""
