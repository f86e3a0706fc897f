"""Architectures: their configurations and their computations."""
