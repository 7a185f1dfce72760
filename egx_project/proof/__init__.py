"""EGX against itself: real releases, real load, a release that is really broken. Nothing here is needed to run EGX."""
