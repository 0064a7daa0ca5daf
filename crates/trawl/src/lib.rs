//! The trawl command
