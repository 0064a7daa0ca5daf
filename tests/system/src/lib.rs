//! What the tests of the real `trawl` command share: they start it, talk to it and wait for it, as a person would.
//!
//! * [`binary`]: where the command is, built if need be
//! * [`server`]: a `trawl local` of a test's own, and how it ends: asked, or killed
//! * [`command`]: any other verb, run to its end
//! * [`api`]: requests as JSON, for routes that the client library does not need
//! * [`proxy`]: a way to a server on which answers are lost
//! * [`http`]: requests down to the byte, for what no client would send
//! * [`search`]: a search followed to its last page
//! * [`shared`]: the real logs, where they are
//! * [`chance`]: numbers that follow from a seed
//! * [`wait`]: until a condition holds, or a deadline passes
//!
//! Each test works in a directory of its own and on a free port. Only what the command shows to everybody is
//! used: its routes, its verbs, its output, and the files of its data directory.

// This crate is for tests only: what fails here is meant to fail the test that called it, on its own thread and
// by the machine's clock, and what it prints is shown with the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod api;
pub mod binary;
pub mod chance;
pub mod command;
pub mod http;
pub mod proxy;
pub mod search;
pub mod server;
pub mod shared;
pub mod wait;
