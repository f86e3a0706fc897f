"""The contestants: each a process of its own that waits for a command, measures a window and answers.

These modules also run in the peers' environment, which has no JAX and not this project: they import no `vit_core`,
except `ours`.
"""
