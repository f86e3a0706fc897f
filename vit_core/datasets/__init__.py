"""Data sets of the user: from a zip, a folder or a name to checked files, a split, and batches."""
