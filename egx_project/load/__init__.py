"""Numbered requests at a steady rate through a gateway, of every kind a client makes, each accounted for."""
