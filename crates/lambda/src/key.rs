//! The API key: requests bring it as `Authorization: Bearer KEY`, a deployment knows its SHA-256 only.

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use trawl_api::ApiError;

/// Decides whether a request may go on.
#[derive(Clone)]
pub struct KeyCheck(Option<[u8; 32]>);

impl std::fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "KeyCheck(of a key)" } else { "KeyCheck(none)" })
    }
}

impl PartialEq for KeyCheck {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl KeyCheck {
    /// Asks for the key with this SHA-256, given as 64 hexadecimal digits; an empty text asks for none.
    pub fn from_hex(digits: &str) -> Option<Self> {
        if digits.is_empty() {
            return Some(Self(None));
        }
        let digits = digits.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(Some(hash)))
    }

    /// Whether these headers bring the key; the answer to give when they do not.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Box<Response<Bytes>>> {
        let Some(hash) = &self.0 else { return Ok(()) };
        let Some(key) = bearer(headers) else {
            return Err(refuse("missing_api_key", "this needs a key: expected the header Authorization: Bearer KEY"));
        };
        // Hashes are compared in a time that does not depend on them.
        match bool::from(Sha256::digest(key)[..].ct_eq(&hash[..])) {
            true => Ok(()),
            false => Err(refuse("invalid_api_key", "the API key is not one that is known here")),
        }
    }
}

/// The key of `Authorization: Bearer KEY`; the scheme's case does not count (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !key.is_empty()).then_some(key)
}

fn refuse(code: &'static str, message: &str) -> Box<Response<Bytes>> {
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, code, message).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Box::new(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `open sesame`.
    const HASH: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";

    fn asked(check: &KeyCheck, authorization: Option<&str>) -> Result<(), (u16, String)> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        check.check(&headers).map_err(|response| {
            assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            (response.status().as_u16(), body["error"]["code"].as_str().unwrap().to_owned())
        })
    }

    #[test]
    fn only_the_key_opens() {
        let check = KeyCheck::from_hex(HASH).unwrap();
        assert_eq!(asked(&check, Some("Bearer open sesame")), Ok(()));
        assert_eq!(asked(&check, Some("bearer open sesame")), Ok(()));
        assert_eq!(KeyCheck::from_hex(&HASH.to_uppercase()), Some(check.clone()));
        for missing in [None, Some("Bearer"), Some("Bearer "), Some("Basic b3Blbg=="), Some("open sesame")] {
            assert_eq!(asked(&check, missing), Err((401, "missing_api_key".to_owned())), "{missing:?}");
        }
        for wrong in ["Bearer open", "Bearer Open sesame", &format!("Bearer {HASH}")] {
            assert_eq!(asked(&check, Some(wrong)), Err((401, "invalid_api_key".to_owned())), "{wrong}");
        }
    }

    #[test]
    fn an_empty_hash_asks_for_nothing_and_half_a_hash_is_an_error() {
        assert_eq!(asked(&KeyCheck::from_hex("").unwrap(), None), Ok(()));
        assert_eq!(KeyCheck::from_hex(&HASH[..62]), None);
        assert_eq!(KeyCheck::from_hex(&HASH.replace('4', "g")), None);
        assert_eq!(KeyCheck::from_hex(&format!("+{}", &HASH[1..])), None);
    }
}
