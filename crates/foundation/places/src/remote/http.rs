//! Files over HTTP, in the parts that are asked for (RFC 9110, section 14).

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cannery_core::{Error, ErrorKind, Result};
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_MATCH, RANGE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};

use super::answer::{FIRST, FoundPart, changed, reason, use_ring, wrong_length};
use super::runtime::block_on;

use crate::Url;

/// How often a request is made again that failed for a reason that may pass.
const RETRIES: u32 = 4;
/// The pause before the first of these; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest wait for a connection, and for the next bytes.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 10;

/// A file that a server gives in parts.
pub(super) struct HttpFile {
    address: String,
}

/// What a server answered to the first request.
pub(super) enum Answer {
    Part(HttpFile, FoundPart),
    /// It knows no parts; its length, if it says so.
    Whole(Box<dyn Read + Send>, Option<u64>),
}

impl HttpFile {
    pub(super) fn open(url: &Url) -> Result<Answer> {
        let file = Self { address: url.as_str().to_owned() };
        block_on(async {
            let response = file.request(0, FIRST, None).await?;
            if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                // No part of an empty file can be asked for.
                let (len, etag) = (0, etag(response.headers()));
                return Ok(Answer::Part(file, FoundPart { bytes: Vec::new(), len, etag }));
            }
            let total = content_range(response.headers()).filter(|(start, _)| *start == 0);
            let Some((_, len)) = total.filter(|_| response.status() == StatusCode::PARTIAL_CONTENT)
            else {
                let len = response.content_length();
                return Ok(Answer::Whole(Box::new(Body::new(response)), len));
            };
            let etag = etag(response.headers());
            let end = len.min(FIRST);
            let bytes = match whole(response, end).await {
                Err(_) => file.fetch(0, end, etag.as_deref()).await?, // which tries again
                Ok(bytes) => bytes,
            };
            Ok(Answer::Part(file, FoundPart { bytes, len, etag }))
        })
    }

    /// The bytes from `start` to `end`.
    pub(super) async fn fetch(&self, start: u64, end: u64, etag: Option<&str>) -> Result<Vec<u8>> {
        let mut pause = Pause::new();
        loop {
            let response = self.request(start, end, etag).await?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT => {}
                StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => {
                    return Err(changed());
                }
                _ => return Err(Error::new(ErrorKind::Io, "the server stopped giving parts")),
            }
            if content_range(response.headers()).is_none_or(|(from, _)| from != start)
                || etag
                    .is_some_and(|etag| self::etag(response.headers()).is_some_and(|e| e != etag))
            {
                return Err(changed());
            }
            match whole(response, end - start).await {
                Err(error) if !pause.wait(None).await => return Err(error),
                Err(_) => {}
                bytes => return bytes,
            }
        }
    }

    /// An answer that is no error.
    async fn request(&self, start: u64, end: u64, etag: Option<&str>) -> Result<Response> {
        let client = client()?;
        let mut pause = Pause::new();
        loop {
            let mut request = client.get(&self.address);
            request = request.header(RANGE, format!("bytes={start}-{}", end - 1));
            // A weak one says nothing of bytes.
            if let Some(etag) = etag.filter(|etag| !etag.starts_with("W/")) {
                request = request.header(IF_MATCH, etag);
            }
            let answer = request.send().await;
            let (error, asked) = match answer {
                Ok(response) => match response.status() {
                    status if status.is_success() => return Ok(response),
                    StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => {
                        return Ok(response);
                    }
                    status => {
                        let asked = retry_after(response.headers());
                        let error = refused(status);
                        if !(status.is_server_error() || may_pass(status)) {
                            return Err(error);
                        }
                        (error, asked)
                    }
                },
                Err(error) if error.is_builder() || error.is_redirect() => {
                    return Err(cannot_connect(error));
                }
                Err(error) => (cannot_connect(error), None),
            };
            if !pause.wait(asked).await {
                return Err(error);
            }
        }
    }
}

/// The pauses between requests that are made again.
struct Pause {
    left: u32,
    next: Duration,
}

impl Pause {
    fn new() -> Self {
        Self { left: RETRIES, next: PAUSE }
    }

    /// Waits; `false` if there was waiting enough.
    async fn wait(&mut self, asked: Option<Duration>) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        tokio::time::sleep(asked.unwrap_or(self.next).min(LONGEST_PAUSE)).await;
        (self.left, self.next) = (left, self.next * 2);
        true
    }
}

fn may_pass(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// The first byte of a part, and the length of the whole: `bytes 0-99/1234`.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (part, len) = range.split_once('/')?;
    Some((part.split_once('-')?.0.parse().ok()?, len.parse().ok()?))
}

fn etag(headers: &HeaderMap) -> Option<String> {
    headers.get(ETAG)?.to_str().ok().map(str::to_owned)
}

/// All bytes of an answer, which are `expected`; no more are taken in.
async fn whole(mut response: Response, expected: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(cannot_connect)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > expected {
            break;
        }
    }
    if bytes.len() as u64 == expected {
        Ok(bytes)
    } else {
        Err(wrong_length(expected, bytes.len()))
    }
}

/// What a server gives from beginning to end.
struct Body {
    response: Response,
    piece: io::Cursor<Vec<u8>>,
}

impl Body {
    fn new(response: Response) -> Self {
        Self { response, piece: io::Cursor::default() }
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            let response = &mut self.response;
            let next = block_on(async { response.chunk().await.map_err(cannot_connect) });
            match next.map_err(io::Error::other)? {
                Some(piece) => self.piece = io::Cursor::new(piece.to_vec()),
                None => return Ok(0),
            }
        }
    }
}

/// The client of this process; it keeps connections.
fn client() -> Result<Client> {
    static CLIENT: Mutex<Option<(u32, Client)>> = Mutex::new(None);
    let mut found = CLIENT.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((_, client)) = found.as_ref().filter(|(owner, _)| *owner == process) {
        return Ok(client.clone());
    }
    use_ring();
    let client = Client::builder()
        .user_agent(concat!("cannery/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .redirect(Policy::custom(redirected))
        .build()
        .map_err(cannot_connect)?;
    // A parent's connections are its own.
    std::mem::forget(found.replace((process, client.clone())));
    Ok(client)
}

/// Follows a server to another address, but never to one that others can listen to.
fn redirected(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let before = attempt.previous();
    let was_secret = before.last().is_some_and(|url| url.scheme() == "https");
    if was_secret && attempt.url().scheme() != "https" {
        return attempt.error("the server leads from https to http");
    }
    if before.len() > MOST_REDIRECTS {
        return attempt.error("the server leads to ever other addresses");
    }
    attempt.follow()
}

#[cold]
fn refused(status: StatusCode) -> Error {
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => ErrorKind::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Permission,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("the server answered {status}"))
}

#[cold]
fn cannot_connect(error: reqwest::Error) -> Error {
    // The address may hold secrets.
    let error = error.without_url();
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Io };
    let reason = reason(&error);
    Error::new(kind, format!("cannot read from the server: {reason}")).with_source(error)
}
