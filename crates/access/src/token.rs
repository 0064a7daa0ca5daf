//! JSON Web Tokens (RFC 7519) as OpenID providers sign them: <https://openid.net/specs/openid-connect-core-1_0.html>.
//!
//! Signatures are `ring`'s. The algorithm is taken from the provider's key and must be the token's as well: a token
//! cannot choose `none`, and cannot have a public key taken for a shared secret, since no shared secrets are taken.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use trawl_event::Timestamp;

/// How far the provider's clock may be off, in seconds.
const LEEWAY_S: i64 = 60;

/// Why a token opens nothing. The token stays out of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url, or not JSON in them.
    #[error("the token is not a JSON Web Token: {0}")]
    Malformed(&'static str),
    /// Nobody's key, or none that is known.
    #[error("the token is signed with a key that the provider does not have")]
    UnknownKey,
    /// An algorithm that is not taken.
    #[error("the token is signed with {0:?}: expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA")]
    Algorithm(String),
    /// The signature is not right.
    #[error("the token's signature is not right")]
    Signature,
    /// A claim is not what it has to be.
    #[error("the token's claim {claim} {problem}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// A key of a provider, as RFC 7517 writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    /// `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Its name.
    #[serde(default)]
    pub kid: Option<String>,
    /// What it is for: `sig`, or anything.
    #[serde(default, rename = "use")]
    pub usage: Option<String>,
    /// The algorithm it is for, or any of its kind.
    #[serde(default)]
    pub alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// The keys of a provider.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Jwks {
    /// Those that can be read; a provider may have others beside.
    #[serde(deserialize_with = "readable")]
    pub keys: Vec<Jwk>,
}

fn readable<'de, D: serde::Deserializer<'de>>(keys: D) -> Result<Vec<Jwk>, D::Error> {
    let keys = Vec::<serde_json::Value>::deserialize(keys)?;
    Ok(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// What a token says.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    iss: String,
    aud: OneOrMore,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    /// Who it was given to.
    #[serde(default)]
    pub sub: String,
    /// Everything else.
    #[serde(flatten)]
    pub others: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Claims {
    /// When it ends.
    pub fn expires(&self) -> Timestamp {
        // A cast of what is too large gives the largest there is.
        Timestamp((self.exp * 1e9) as i64)
    }
}

/// Whether this may be a token at all: three parts between dots.
pub fn looks_like_one(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// The name of the key that a token says it is signed with.
pub fn key_id(token: &str) -> Result<Option<String>, TokenError> {
    let head = token.split('.').next().unwrap_or_default();
    Ok(json::<Header>(head, "its header cannot be read")?.kid)
}

/// What a token says, if one of these keys signed it for this audience and it is valid now.
pub fn verify(token: &str, keys: &Jwks, issuer: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed("it has no signature"))?;
    let (head, body) = signed.split_once('.').ok_or(TokenError::Malformed("it has no claims"))?;
    let header: Header = json(head, "its header cannot be read")?;
    if header.crit.is_some() {
        return Err(TokenError::Malformed("it asks for extensions, of which none is known here"));
    }
    let signature = decode(signature, "its signature is not base64url")?;
    let candidates = keys.keys.iter().filter(|key| {
        let is_named = header.kid.is_none() || key.kid == header.kid;
        let is_for_it = key.alg.as_ref().is_none_or(|alg| *alg == header.alg);
        is_named && is_for_it && key.usage.as_deref().is_none_or(|usage| usage == "sig")
    });
    let mut outcome = Err(TokenError::UnknownKey);
    for key in candidates {
        outcome = is_signed(key, &header.alg, signed.as_bytes(), &signature);
        if outcome.is_ok() {
            break;
        }
    }
    outcome?;
    let claims: Claims = json(body, "its claims cannot be read, or iss, aud or exp is missing")?;
    let wrong = |claim, problem: &str| Err(TokenError::Claim { claim, problem: problem.to_owned() });
    if claims.iss != issuer {
        return wrong("iss", "names another issuer");
    }
    let is_for_us = match &claims.aud {
        OneOrMore::One(one) => one == audience,
        OneOrMore::More(more) => more.iter().any(|one| one == audience),
    };
    if !is_for_us {
        return wrong("aud", "names another audience");
    }
    let seconds = now.0.div_euclid(1_000_000_000);
    if claims.exp <= (seconds - LEEWAY_S) as f64 {
        return wrong("exp", "is over");
    }
    if claims.nbf.is_some_and(|nbf| nbf > (seconds + LEEWAY_S) as f64) {
        return wrong("nbf", "is still to come");
    }
    Ok(claims)
}

fn is_signed(key: &Jwk, alg: &str, signed: &[u8], signature: &[u8]) -> Result<(), TokenError> {
    let part = |part: &Option<String>| decode(part.as_deref().unwrap_or_default(), "a key of the provider is damaged");
    let verified = match (key.kty.as_str(), alg, key.crv.as_deref().unwrap_or_default()) {
        ("RSA", _, _) => {
            let parameters = match alg {
                "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
                _ => return Err(TokenError::Algorithm(alg.to_owned())),
            };
            RsaPublicKeyComponents { n: part(&key.n)?, e: part(&key.e)? }.verify(parameters, signed, signature)
        }
        ("EC", "ES256", "P-256") => {
            let point = [&[4], &part(&key.x)?[..], &part(&key.y)?[..]].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
        }
        ("EC", "ES384", "P-384") => {
            let point = [&[4], &part(&key.x)?[..], &part(&key.y)?[..]].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(signed, signature)
        }
        ("OKP", "EdDSA", "Ed25519") => {
            UnparsedPublicKey::new(&signature::ED25519, part(&key.x)?).verify(signed, signature)
        }
        _ => return Err(TokenError::Algorithm(alg.to_owned())),
    };
    verified.map_err(|_| TokenError::Signature)
}

fn decode(part: &str, problem: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed(problem))
}

fn json<T: for<'de> Deserialize<'de>>(part: &str, problem: &'static str) -> Result<T, TokenError> {
    serde_json::from_slice(&decode(part, problem)?).map_err(|_| TokenError::Malformed(problem))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000_000);

    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            Self { pair, random }
        }

        fn keys(&self) -> Jwks {
            let point = self.pair.public_key().as_ref();
            let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let key = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig",
                             "x": text(&point[1..33]), "y": text(&point[33..])});
            serde_json::from_value(json!({"keys": [{"kty": 7}, key]})).unwrap()
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "aud": ["other", "trawl"], "exp": 1_800_000_060, "sub": "ann", "tenant": "shop"})
    }

    fn checked(token: &str, keys: &Jwks) -> Result<Claims, TokenError> {
        verify(token, keys, "https://id.example", "trawl", NOW)
    }

    #[test]
    fn a_token_of_the_provider_says_who_it_is_of() {
        let signer = Signer::new();
        let token = signer.sign(&json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}), &claims());
        assert!(looks_like_one(&token));
        assert_eq!(key_id(&token), Ok(Some("k1".to_owned())));
        let claims = checked(&token, &signer.keys()).unwrap();
        assert_eq!((claims.sub.as_str(), &claims.others["tenant"]), ("ann", &json!("shop")));
    }

    #[test]
    fn nothing_else_is_taken() {
        let (signer, other) = (Signer::new(), Signer::new());
        let header = json!({"alg": "ES256", "kid": "k1"});
        let refused =
            |header: &Value, claims: &Value| checked(&signer.sign(header, claims), &signer.keys()).unwrap_err();
        assert_eq!(checked(&other.sign(&header, &claims()), &signer.keys()).unwrap_err(), TokenError::Signature);
        for (header, error) in [
            (json!({"alg": "ES256", "kid": "k2"}), TokenError::UnknownKey),
            (json!({"alg": "none", "kid": "k1"}), TokenError::UnknownKey),
            (json!({"alg": "HS256", "kid": "k1"}), TokenError::UnknownKey),
            (
                json!({"alg": "ES256", "crit": ["b64"]}),
                TokenError::Malformed("it asks for extensions, of which none is known here"),
            ),
            (json!({"kid": "k1"}), TokenError::Malformed("its header cannot be read")),
        ] {
            assert_eq!(refused(&header, &claims()), error, "{header}");
        }
        for (claim, value) in [
            ("iss", json!("https://id.example/")),
            ("aud", json!("trawl2")),
            ("exp", json!(1_799_999_939)),
            ("nbf", json!(1_800_000_061)),
        ] {
            let mut changed = claims();
            changed[claim] = value;
            let TokenError::Claim { claim: named, .. } = refused(&header, &changed) else { panic!("{claim}") };
            assert_eq!(named, claim);
        }
        // Any byte of it that is changed.
        let token = signer.sign(&header, &claims());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last digit of a base64 text may hold bits that mean nothing.
            assert!(changed == token || checked(&changed, &signer.keys()).is_err(), "{at}");
        }
    }

    #[test]
    fn an_algorithm_is_tied_to_the_kind_of_key() {
        let mut keys = Signer::new().keys();
        keys.keys[0].alg = None;
        for alg in ["none", "HS256", "RS256", "ES384"] {
            let outcome = is_signed(&keys.keys[0], alg, b"x", b"y");
            assert_eq!(outcome, Err(TokenError::Algorithm(alg.to_owned())));
        }
    }
}
