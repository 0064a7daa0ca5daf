//! Turns stream records into committed segments, exactly once
