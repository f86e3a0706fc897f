"""Buckets and the local cache: a name becomes a verified file."""
