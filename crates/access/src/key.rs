//! API keys: `trawl_<id>_<secret>`, and what is stored of them.
//!
//! ```text
//! trawl_0123456789abcdef_<64 hexadecimal digits>
//!       id, 64 bits      secret, 256 random bits
//! ```
//! The id finds the record; the secret is checked against a keyed hash, HMAC-SHA256 over id, secret and what the key
//! opens, under the deployment's *pepper*. Who reads the store learns no key; who writes it makes none, and makes no more
//! of one, without the pepper, which is kept elsewhere. A slow hash would protect guessable secrets; these are 256 random bits.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use trawl_event::{TenantId, Timestamp};
use trawl_store::ports::Ids;

use crate::scope::{Scope, Scopes};

/// What every key begins with: a leaked one is recognised by scanners for secrets.
pub const PREFIX: &str = "trawl_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;
/// Fewest bytes of a pepper.
pub const MIN_PEPPER_BYTES: usize = 32;

/// The id of a key: no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Box<str>);

impl KeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the id of a key, or not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an id.
    #[error("the id of a key is {ID_DIGITS} hexadecimal digits")]
    Id,
    /// Not a key. What it was stays out of the message.
    #[error("an API key is {PREFIX}<{ID_DIGITS} hexadecimal digits>_<{SECRET_DIGITS} hexadecimal digits>")]
    Key,
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if is_hex(text, ID_DIGITS) { Ok(Self(text.into())) } else { Err(KeyError::Id) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0.into()
    }
}

/// A key, secret and all. It has no `Display` and its `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: KeyId,
    secret: Box<str>,
}

impl ApiKey {
    /// A key that nobody had before.
    pub fn fresh(ids: &impl Ids) -> Self {
        let id = format!("{:016x}", (ids.fresh() >> 64) as u64);
        Self { id: KeyId(id.into()), secret: format!("{:032x}{:032x}", ids.fresh(), ids.fresh()).into() }
    }

    /// Its id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key as a caller sends it: to be shown once, to who made it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({PREFIX}{}_…)", self.id)
    }
}

impl FromStr for ApiKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(KeyError::Key)?;
        if !is_hex(secret, SECRET_DIGITS) {
            return Err(KeyError::Key);
        }
        Ok(Self { id: id.parse().map_err(|_| KeyError::Key)?, secret: secret.into() })
    }
}

/// The secret that hashes of keys are made with. It is kept apart from the store that keeps the hashes.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

/// Too short for a pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pepper has at least {MIN_PEPPER_BYTES} bytes")]
pub struct ShortPepper;

impl Pepper {
    /// A pepper of these bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortPepper> {
        if bytes.len() < MIN_PEPPER_BYTES {
            return Err(ShortPepper);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| ShortPepper)
    }

    /// What is stored of a key that grants this.
    pub fn hash(&self, key: &ApiKey, grant: &Grant) -> KeyHash {
        let mut mac = self.0.clone();
        // No part of it holds a line break, so that nothing else reads the same.
        let number = |number: Option<i128>| number.map_or_else(String::new, |number| number.to_string());
        for part in [
            key.id.as_str(),
            &key.secret,
            grant.tenant.as_str(),
            &grant.scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
            &number(grant.expires.map(|expires| i128::from(expires.0))),
            &number(grant.requests_per_second.map(i128::from)),
        ] {
            mac.update(part.as_bytes());
            mac.update(b"\n");
        }
        KeyHash(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// The keyed hash of a key. Two of them are compared in a time that does not depend on them.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for KeyHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !is_hex(&text, 64) {
            return Err("a hash of a key is 64 hexadecimal digits");
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        Ok(Self(hash))
    }
}

/// What a key opens. It is part of what is hashed: who writes the store cannot make more of a key than it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose data.
    pub tenant: TenantId,
    /// What it allows there.
    pub scopes: Scopes,
    /// From when on it opens nothing; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Most requests a second; `None` for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u64>,
}

/// What is stored of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What it opens.
    #[serde(flatten)]
    pub grant: Grant,
    /// Its keyed hash.
    pub hash: KeyHash,
    /// When it was made.
    pub created: Timestamp,
    /// By which caller.
    pub created_by: String,
    /// When it was revoked, and by which caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// When a key was revoked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// By which caller.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trawl_store::local::System;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_shown_and_hides_its_secret() {
        let key = ApiKey::fresh(&System);
        let shown = key.reveal();
        assert_eq!(shown.parse(), Ok(key.clone()));
        assert_ne!(ApiKey::fresh(&System).reveal(), shown);
        let secret = shown.rsplit('_').next().unwrap();
        assert!(!format!("{key:?}").contains(secret), "{key:?}");
        let pepper = Pepper::new(&[7; 32]).unwrap();
        let hash = pepper.hash(&key, &grant("shop", &[Scope::Ingest]));
        let text = String::from(hash);
        assert!(!text.contains(secret) && !format!("{hash:?} {pepper:?}").contains(&text));
    }

    fn grant(tenant: &str, scopes: &[Scope]) -> Grant {
        let scopes = scopes.iter().copied().collect();
        Grant { tenant: tenant.parse().unwrap(), scopes, expires: None, requests_per_second: None }
    }

    #[test]
    fn a_hash_depends_on_secret_id_pepper_and_grant() {
        let (one, other) = (Pepper::new(&[1; 32]).unwrap(), Pepper::new(&[2; 32]).unwrap());
        let key = ApiKey::fresh(&System);
        let with_other_id = ApiKey { id: KeyId("0123456789abcdef".into()), ..key.clone() };
        let given = grant("shop", &[Scope::Ingest]);
        let hash = one.hash(&key, &given);
        assert_eq!(one.hash(&key, &given), hash);
        assert_ne!(other.hash(&key, &given), hash);
        assert_ne!(one.hash(&with_other_id, &given), hash);
        assert_ne!(one.hash(&ApiKey::fresh(&System), &given), hash);
        for more in [
            grant("bank", &[Scope::Ingest]),
            grant("shop", &[Scope::Operator]),
            grant("shop", &[Scope::Ingest, Scope::Search]),
            Grant { expires: Some(Timestamp(1)), ..given.clone() },
            Grant { requests_per_second: Some(1), ..given.clone() },
        ] {
            assert_ne!(one.hash(&key, &more), hash, "{more:?}");
        }
        assert_eq!(KeyHash::try_from(String::from(hash)), Ok(hash));
        assert!(Pepper::new(&[1; 31]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_else_is_a_key(text in "(trawl_)?[0-9a-fA-F_]{0,90}") {
            if let Ok(key) = text.parse::<ApiKey>() {
                prop_assert_eq!(key.reveal(), text);
            }
        }
    }
}
