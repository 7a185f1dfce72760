"""CHANGE it safely: releases, updates, backups."""
