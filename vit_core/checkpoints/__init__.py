"""Files of weights: read, recognised, renamed and fitted to a model."""
