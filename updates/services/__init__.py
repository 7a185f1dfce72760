"""Asking for updates, rollbacks, backups and restores, and keeping watch. One subject a module."""
