//! Who may do what.
//!
//! A request brings a *credential*: an API key of Trawl's own, or a token of an OpenID provider. [`Gate`] turns it into a
//! [`Caller`]: one tenant and some scopes. Everything behind the gate is handed the tenant and sees nothing else of it.
//!
//! * [`gate`]: a request → its caller, or the answer that refuses it
//! * [`route`]: which scope a route asks for
//! * [`credential`]: where requests carry credentials, one way per protocol
//! * [`key`]: API keys and what is stored of them; [`keys`]: made, listed, revoked
//! * [`token`]: JSON Web Tokens; [`provider`]: the keys that sign them
//! * [`scope`]: what a caller may do
//! * [`limits`]: what a tenant may use; [`quota`]: what it used of it
//! * [`http`]: the routes that manage keys and limits

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod credential;
pub mod gate;
pub mod http;
pub mod key;
pub mod keys;
pub mod limits;
pub mod provider;
pub mod quota;
pub mod route;
pub mod scope;
pub mod token;

pub use gate::{Caller, Gate, GateSettings};
pub use key::{ApiKey, Pepper};
pub use keys::Keys;
pub use limits::Limits;
pub use scope::{Scope, Scopes};
