//! The real command against real data.
