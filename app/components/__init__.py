"""Parts of pages: each takes data and returns a value."""
