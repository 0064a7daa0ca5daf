//! The stages under injected faults, driven by a seed.
//!
//! The real stages run over ports in memory, on one thread, in simulated time. Faults stand
//! around every port call; a model says after each search what must have been visible.
//!
//! * [`chance`], [`world`]: the seed, the clock and the scheduler
//! * [`memory`]: the ports in memory; [`faults`], [`faulty`], [`workers`]: what goes wrong around them
//! * [`stages`]: the real stages, wired to these
//! * [`requests`], [`actors`], [`scenario`]: what happens in a run
//! * [`calm`]: a deployment without faults, for scenarios of one guarantee each
//! * [`model`], [`rest`], [`json`]: what must be visible, during a run and after it

// Numbers of requests and the like index what was made for them: the simulation may panic, as a test does.
#![allow(clippy::indexing_slicing)]

pub mod actors;
pub mod calm;
pub mod chance;
pub mod faults;
pub mod faulty;
pub mod json;
pub mod memory;
pub mod model;
pub mod requests;
pub mod rest;
pub mod scenario;
pub mod stages;
pub mod workers;
pub mod world;
