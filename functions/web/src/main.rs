//! The function behind the web UI; the files are in the library of the same name.

use std::process::ExitCode;

use ingest::Asked;
use trawl_api::ApiError;
use trawl_lambda::http::{ApiAnswer, ApiEvent, Request};
use trawl_lambda::{Call, Settings};
use trawl_store::local::System;
use trawl_store::ports::Ids;

fn main() -> ExitCode {
    trawl_lambda::run(start, answer)
}

async fn start(_: &Settings) -> anyhow::Result<()> {
    Ok(())
}

/// The page and its scripts hold no data: whoever asks gets them, and the page asks for the key. Clients of Elasticsearch
/// ask at the same path which server this is, with a key or before they have one.
async fn answer((): &(), _: &Call, event: ApiEvent) -> anyhow::Result<ApiAnswer> {
    let route = async |request: &Request| {
        let Request { method, path, query, headers, .. } = request;
        match ingest::introduce(&Asked { method, path, query, headers }) {
            Some(introduced) => introduced.unwrap_or_else(ApiError::into_response),
            None => web::serve(method, path, headers, System.fresh()),
        }
    };
    Ok(trawl_lambda::http::answer(event, route).await)
}
