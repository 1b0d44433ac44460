//! Reading a file of a service from beginning to end.

use std::collections::VecDeque;
use std::io::{self, Read};

use cannery_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;

use super::{RemoteFile, runtime};
use crate::ByteSource;

/// Bytes of a request.
const PIECE: u64 = 4 << 20;
/// Requests that are on their way at once.
const AHEAD: usize = 4;

/// Asks for the next pieces of a file while the last one is looked at.
pub(crate) struct RemoteReader {
    file: RemoteFile,
    /// Where the next request begins.
    asked: u64,
    coming: VecDeque<JoinHandle<Result<Vec<u8>>>>,
    piece: io::Cursor<Vec<u8>>,
}

impl RemoteReader {
    pub(crate) fn new(file: RemoteFile) -> Self {
        let piece = io::Cursor::new(file.first().to_vec());
        let asked = file.first().len() as u64;
        Self { file, asked, coming: VecDeque::new(), piece }
    }

    fn next_piece(&mut self) -> Result<Option<Vec<u8>>> {
        while self.coming.len() < AHEAD && self.asked < self.file.len() {
            let (file, start) = (self.file.clone(), self.asked);
            let end = (start + PIECE).min(file.len());
            let request = async move { file.fetch(start, end).await };
            self.coming.push_back(runtime::runtime()?.spawn(request));
            self.asked = end;
        }
        let Some(next) = self.coming.pop_front() else { return Ok(None) };
        let ended = |_| Error::new(ErrorKind::Io, "the request was given up");
        runtime::block_on(async { next.await.map_err(ended)? }).map(Some)
    }
}

impl Read for RemoteReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            match self.next_piece().map_err(io::Error::other)? {
                Some(piece) => self.piece = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}

impl Drop for RemoteReader {
    fn drop(&mut self) {
        for request in &self.coming {
            request.abort();
        }
    }
}
