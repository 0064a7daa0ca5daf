"""What ingest costs by each protocol, and what asking for a key costs: `make bench-protocols`."""
