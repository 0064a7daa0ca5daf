//! The library that talks to a Trawl server
