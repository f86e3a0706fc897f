"""Predictions: from image bytes to named classes."""
