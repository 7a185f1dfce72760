"""What every part may use: no models, no knowledge of any app."""
