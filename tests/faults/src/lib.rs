//! The stages under injected faults, driven by a seed.
