"""Fine-tuning: what is decided before it, the steps, and what is known after it."""
