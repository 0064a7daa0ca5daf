//! HTTP in front of the stages: bodies are bounded here, everything else is the stages' own.

use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ingest::protocol;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use trawl_access::Caller;
use trawl_access::gate::Asked;
use trawl_access::http::Management;
use trawl_api::ApiError;
use trawl_event::TenantId;
use trawl_event::limits::MAX_BODY_BYTES;

use super::node::Stages;
use trawl_store::local::System;
use trawl_store::ports::Ids;

/// What a connection may take, so that nobody who sends little keeps much busy.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long the head of a request may take to arrive, and how long a connection may be idle.
    pub head: Duration,
    /// How long a body may take.
    pub body: Duration,
    /// How long requests may go on after the server was asked to stop.
    pub drain: Duration,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
}

/// What `trawl local` grants: clients keep idle connections for a minute at most.
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(75),
    body: Duration::from_secs(120),
    drain: Duration::from_secs(5),
    connections: 1024,
};

/// Answers requests until `stop` is ready, then lets those under way end.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    serve_within(listener, router, stop, PATIENCE).await
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    patience: Patience,
) -> std::io::Result<()> {
    let connections = Arc::new(Semaphore::new(patience.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let permit = connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            (permit, accepted) = accepted => match accepted {
                Ok((stream, _)) => (permit, stream),
                Err(error) => {
                    // Of one connection, or of files that are all in use: it passes.
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Small answers go at once.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(patience.drain) => {}
    }
    Ok(())
}

/// The routes of a node.
pub fn router(stages: Arc<Stages>) -> Router {
    Router::new().fallback(answer).with_state(stages)
}

async fn answer(State(stages): State<Arc<Stages>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or("").to_owned();
    let asked = protocol::Asked { method: &parts.method, path: &path, query: &query, headers: &parts.headers };
    let response = match admit(&stages, &asked).await {
        Err(error) => protocol::refuse(&asked, error),
        // A body is read of who may send one.
        Ok(caller) => match read(&parts.headers, body).await {
            Err(error) => protocol::refuse(&asked, error),
            Ok(body) => route(&stages, caller.as_ref(), &asked, body).await,
        },
    };
    compressed(trawl_api::secured(response), &parts.headers).map(Body::from)
}

/// Bytes of an answer that are worth compressing.
const MANY_BYTES: usize = 8 * 1024;

/// An answer as a caller takes it who is far away: one that says so gets a large answer compressed, at the fastest level.
fn compressed(response: http::Response<Bytes>, asked: &HeaderMap) -> http::Response<Bytes> {
    let takes_gzip = asked
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
    if !takes_gzip || response.body().len() < MANY_BYTES || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail; if it did, the answer is right as it is.
    let Ok(body) = encoder.write_all(response.body()).and_then(|()| encoder.finish()) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    http::Response::from_parts(parts, Bytes::from(body))
}

/// Who sends a request, if it may be answered at all; `None` where nobody has to be anyone.
async fn admit(stages: &Stages, asked: &protocol::Asked<'_>) -> Result<Option<Caller>, ApiError> {
    stages.access.check_site(asked.headers)?;
    let protocol::Asked { method, path, query, headers } = *asked;
    let is_ingest = protocol::serves(asked);
    stages.access.gate.admit(&Asked { method, path, query, headers, is_ingest }).await
}

async fn route(
    stages: &Stages,
    caller: Option<&Caller>,
    asked: &protocol::Asked<'_>,
    body: Bytes,
) -> http::Response<Bytes> {
    let protocol::Asked { method, path, query, .. } = *asked;
    let Some(caller) = caller else { return open_route(stages, asked, body).await };
    let tenant = &caller.tenant;
    let access = &stages.access;
    match (method, path) {
        _ if protocol::serves(asked) => stages.ingest.answer(tenant, asked, body).await,
        (_, "/v1/health" | "/v1/openapi.json" | "/v1/auth") => method_not_allowed(method, "GET"),
        (_, "/v1/auth/token") => method_not_allowed(method, "POST"),
        (_, path) if path == "/v1/deletions" || path.starts_with("/v1/deletions/") => {
            stages.coordinator.handle_deletions(tenant, &caller.subject, method, path, &body).await
        }
        (_, path) if trawl_access::http::serves(path) => {
            let management = Management { keys: access.gate.keys(), limits: &access.limits, clock: &System };
            management.handle(caller, method, path, &body).await
        }
        (&Method::POST, "/v1/admin/compact") => match stages.compact().await {
            Ok(done) => trawl_api::json(StatusCode::OK, &done),
            Err(error) => Err(ApiError::internal(format!("{error:#}"))),
        }
        .unwrap_or_else(ApiError::into_response),
        (_, "/v1/admin/compact") => method_not_allowed(method, "POST"),
        (_, path) => {
            let allowance = access.allowance(tenant).await;
            stages.coordinator.handle_within(tenant, &allowance, method, path, query, &body).await
        }
    }
}

/// Routes that tell nothing about anyone.
async fn open_route(stages: &Stages, asked: &protocol::Asked<'_>, body: Bytes) -> http::Response<Bytes> {
    if let Some(answer) = stages.access.gate.answer_open(asked.method, asked.path, &body).await {
        return answer.unwrap_or_else(ApiError::into_response);
    }
    match asked.path {
        "/v1/openapi.json" => trawl_api::openapi(),
        "/v1/health" => trawl_api::health().unwrap_or_else(ApiError::into_response),
        // The health of a collector: it stores nothing.
        _ if protocol::serves(asked) => stages.ingest.answer(&TenantId::default_tenant(), asked, body).await,
        path => web::serve(asked.method, path, asked.headers, System.fresh()),
    }
}

fn method_not_allowed(method: &Method, expected: &str) -> http::Response<Bytes> {
    ApiError::method_not_allowed(method, expected).into_response()
}

/// Reads a body within the limit; says so at once when the caller announces more.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(bytes) = announced.filter(|bytes| *bytes > MAX_BODY_BYTES) {
        return Err(ingest::body_too_large(bytes));
    }
    let read = tokio::time::timeout(PATIENCE.body, axum::body::to_bytes(body, MAX_BODY_BYTES)).await;
    let read = read.map_err(|_| {
        let message = format!("the body did not arrive within {} s", PATIENCE.body.as_secs());
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    })?;
    read.map_err(|error| {
        // The reader's error does not say whether the limit or the connection ended it; its cause does.
        let is_limit =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        match is_limit {
            true => ingest::body_too_large(MAX_BODY_BYTES + 1),
            false => ApiError::bad_request("incomplete_body", format!("the body broke off: {error}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn who_begins_a_request_and_does_not_go_on_is_hung_up_on() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Patience { head: Duration::from_millis(100), connections: 2, ..PATIENCE };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = Router::new().fallback(async || "answered");
        let server = tokio::spawn(serve_within(listener, router, async { drop(stopped.await) }, patience));
        // More than may be connected at once: those behind are answered once the first were hung up on.
        let mut slow = Vec::new();
        for _ in 0..4 {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
            slow.push(stream);
        }
        let mut quick = tokio::net::TcpStream::connect(address).await.unwrap();
        quick.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        quick.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("answered"), "{answer}");
        for mut stream in slow {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert!(!String::from_utf8_lossy(&rest).contains("answered"));
        }
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[test]
    fn large_answers_are_compressed_for_who_asks() {
        let asking = |accepted: &str, bytes: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap());
            compressed(http::Response::new(Bytes::from(vec![b'x'; bytes])), &headers)
        };
        let answer = asking("deflate, gzip", MANY_BYTES);
        assert_eq!(answer.headers()[CONTENT_ENCODING], "gzip");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&answer.body()[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, vec![b'x'; MANY_BYTES]);
        for (accepted, bytes) in [("br", MANY_BYTES), ("gzip", MANY_BYTES - 1)] {
            let answer = asking(accepted, bytes);
            assert_eq!((answer.headers().get(CONTENT_ENCODING), answer.body().len()), (None, bytes));
        }
    }
}
