"""Fine-tuning runs: directories that are the only truth about a run, and what starts, stops and lists them."""
