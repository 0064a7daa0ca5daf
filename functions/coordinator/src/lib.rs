//! Plans searches, merges what workers find, serves results
