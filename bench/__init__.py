"""Timing, as ratios and percentiles of one run on one machine; `make bench` prints them beside what must be reached."""
