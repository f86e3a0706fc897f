"""What the figures in the README come from; `results/` holds them with the machine they were measured on."""
