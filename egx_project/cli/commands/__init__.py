"""One module a command; `egx_project.cli.app` loads them by name."""
