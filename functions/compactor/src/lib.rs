//! Merges small segments, applies retention, removes what nobody needs
