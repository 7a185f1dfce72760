"""One file a concern; the environment is read in this package and nowhere else. Django loads `main`."""
