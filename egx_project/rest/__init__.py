"""What all of the REST API has in common: bodies, lists, conditions, its description."""
