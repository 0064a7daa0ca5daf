//! `trawl key`: API keys, made, listed and revoked.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use http::Method;
use serde::de::DeserializeOwned;
use trawl_access::http::Management;
use trawl_access::limits::TenantLimits;
use trawl_access::{Caller, Keys, Limits, Scopes};
use trawl_client::{Client, CreatedKey, Key, KeyList, NewKey};
use trawl_event::TenantId;
use trawl_store::local::System;

use crate::EXIT_NOTHING;
use crate::local::access;
use crate::output::harmless::clean;

const EXAMPLES: &str = "\
Examples:
  trawl key create --name agents --scope ingest
  trawl key create --name ann --scope search --scope admin --expires-in 90d
  trawl key create --name shop --tenant shop --scope ingest --scope search   (as an operator)
  trawl key list
  trawl key revoke 0123456789abcdef
  trawl key create --data ./trawl-data --name first --scope operator         (the first key of `trawl local`)

The key is shown once; only a keyed hash of it is stored. A revoked key opens nothing within 60 s, anywhere.
Scopes: ingest sends events, search finds them, admin manages keys and deletions of its tenant, operator all tenants.";

/// What to do with API keys.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
    /// Work on the data of `trawl local` in this directory, whether it runs or not, in the place of a server.
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON, one object per key.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make one; it is printed on stdout, once.
    Create {
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it allows: ingest, search, admin or operator; may be given several times.
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
        scopes: Vec<String>,
        /// Whose data it opens; your own tenant without it.
        #[arg(long)]
        tenant: Option<String>,
        /// For how long, as 90d; for ever without it.
        #[arg(long, value_name = "AGE")]
        expires_in: Option<String>,
        /// Most requests a second.
        #[arg(long, value_name = "N")]
        requests_per_second: Option<u64>,
    },
    /// Show all, without their secrets.
    List,
    /// Let one open nothing any more.
    Revoke {
        /// Its id: what stands between the first and the second `_` of the key.
        id: String,
    },
}

/// Does it, at a server or on data.
pub fn run(client: impl FnOnce() -> anyhow::Result<Client>, args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let place = match &args.data {
        Some(dir) => Place::Data(dir.clone()),
        None => Place::Server(client()?),
    };
    match &args.command {
        KeyCommand::Create { name, scopes, tenant, expires_in, requests_per_second } => {
            let new = NewKey {
                name: name.clone(),
                scopes: scopes.clone(),
                tenant: tenant.clone(),
                expires_in: expires_in.clone(),
                requests_per_second: *requests_per_second,
            };
            let created = place.create(&new)?;
            let mut out = io::stdout().lock();
            if args.json {
                writeln!(out, "{}", serde_json::to_string(&created)?)?;
            } else {
                writeln!(out, "{}", created.key)?;
                let Key { id, tenant, scopes, .. } = &created.listed;
                let scopes = scopes.join(", ");
                anstream::eprintln!("key {id} of tenant {tenant} allows {scopes}; it is not shown again");
            }
            Ok(ExitCode::SUCCESS)
        }
        KeyCommand::List => list(&place.list()?, args.json),
        KeyCommand::Revoke { id } => {
            let key = place.revoke(id)?;
            if args.json {
                writeln!(io::stdout().lock(), "{}", serde_json::to_string(&key)?)?;
            } else {
                anstream::eprintln!("key {} ({}) is revoked", key.id, clean(&key.name));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(keys: &[Key], json: bool) -> anyhow::Result<ExitCode> {
    if keys.is_empty() {
        anstream::eprintln!("there are no keys: trawl key create --name NAME --scope ingest");
        return Ok(ExitCode::from(EXIT_NOTHING));
    }
    let mut out = io::stdout().lock();
    for key in keys {
        if json {
            writeln!(out, "{}", serde_json::to_string(key)?)?;
            continue;
        }
        let state = match (&key.revoked, &key.expires) {
            (Some(revoked), _) => format!("revoked {}", revoked.at),
            (None, Some(expires)) => format!("until {expires}"),
            (None, None) => "for ever".to_owned(),
        };
        let scopes = key.scopes.join(",");
        writeln!(out, "{}  {:<12}  {scopes:<20}  {state}  {}", key.id, clean(&key.tenant), clean(&key.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the keys are.
enum Place {
    Server(Client),
    Data(PathBuf),
}

impl Place {
    fn create(&self, new: &NewKey) -> anyhow::Result<CreatedKey> {
        match self {
            Self::Server(client) => Ok(client.create_key(new)?),
            Self::Data(_) => self.manage(&Method::POST, "/v1/keys", &serde_json::to_vec(new)?),
        }
    }

    fn list(&self) -> anyhow::Result<Vec<Key>> {
        match self {
            Self::Server(client) => Ok(client.keys()?.keys),
            Self::Data(_) => Ok(self.manage::<KeyList>(&Method::GET, "/v1/keys", &[])?.keys),
        }
    }

    fn revoke(&self, id: &str) -> anyhow::Result<Key> {
        match self {
            Self::Server(client) => Ok(client.revoke_key(id)?),
            Self::Data(_) => self.manage(&Method::DELETE, &format!("/v1/keys/{id}"), &[]),
        }
    }

    /// What a server would answer to an operator, on the data itself: who may write its files may do everything anyway.
    fn manage<T: DeserializeOwned>(&self, method: &Method, path: &str, body: &[u8]) -> anyhow::Result<T> {
        let Self::Data(dir) = self else { bail!("a server is asked over HTTP") };
        let documents = Arc::new(access::documents(dir)?);
        let keys = Keys::new(documents.clone(), System, access::pepper(dir)?);
        let limits = TenantLimits::new(documents, System, Limits::default());
        let management = Management { keys: &keys, limits: &limits, clock: &System };
        let caller =
            Caller { tenant: TenantId::default_tenant(), scopes: Scopes::all(), subject: "owner of the data".into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let response = runtime.block_on(management.handle(&caller, method, path, body));
        if !response.status().is_success() {
            let error: serde_json::Value = serde_json::from_slice(response.body())?;
            bail!("{}", error["error"]["message"].as_str().unwrap_or("it failed"));
        }
        serde_json::from_slice(response.body()).context("the answer cannot be read")
    }
}
