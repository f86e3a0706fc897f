"""The index of checkpoints: what each column means, where the table comes from, how to ask it."""
