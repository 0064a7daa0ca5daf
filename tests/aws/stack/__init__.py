"""Trawl on stand-ins for AWS: the real functions under a runtime API, driven with the rules of Lambda."""
