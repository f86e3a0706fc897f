"""How fast this machine is with this project: the instruments behind `python -m vit_core bench` and `benchmarks/`."""
