//! The function behind the web UI; the files are in the library of the same name.

use std::process::ExitCode;

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

/// The page and its scripts hold no data: whoever asks gets them, and the page asks for the key.
async fn answer((): &(), _: &Call, event: ApiEvent) -> anyhow::Result<ApiAnswer> {
    let route = async |request: &Request| web::serve(&request.method, &request.path, &request.headers, System.fresh());
    Ok(trawl_lambda::http::answer(event, route).await)
}
