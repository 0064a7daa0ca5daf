//! What a caller may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events.
    Ingest,
    /// Find events.
    Search,
    /// Manage the keys and the deletions of its tenant.
    Admin,
    /// Manage all tenants: make keys for any, set limits.
    Operator,
}

/// All of them, in their order.
pub const SCOPES: [Scope; 4] = [Scope::Ingest, Scope::Search, Scope::Admin, Scope::Operator];

impl Scope {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Search => "search",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope: expected ingest, search, admin or operator")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        SCOPES.into_iter().find(|scope| scope.as_str() == name).ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

/// Several scopes. An operator has all; an admin does not search or send by that alone.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope.
    pub fn all() -> Self {
        SCOPES.into_iter().collect()
    }

    /// Whether this may be done.
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Operator.bit()) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes by name, an operator's as that one.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        SCOPES.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().collect()
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_itself_and_operator_allows_all() {
        for given in SCOPES {
            let scopes: Scopes = [given].into_iter().collect();
            for asked in SCOPES {
                assert_eq!(scopes.allow(asked), given == asked || given == Scope::Operator, "{given} {asked}");
            }
        }
        assert!(!Scopes::default().allow(Scope::Ingest));
        assert_eq!(serde_json::to_string(&Scopes::all()).unwrap(), r#"["ingest","search","admin","operator"]"#);
        assert_eq!("Ingest".parse::<Scope>(), Err(UnknownScope("Ingest".into())));
    }
}
