"""Measurements of Trawl, alone and beside its peers: `make bench`."""
