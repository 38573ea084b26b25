//! The stream under the web server, which reports what is read and written.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::progress::ConnectionProgress;

/// Reports to the connection's progress; [`super::connection`] keeps the deadlines.
pub(super) struct Transport {
    stream: TcpStream,
    progress: ConnectionProgress,
}

impl Transport {
    pub(super) fn new(stream: TcpStream, progress: ConnectionProgress) -> Self {
        Self { stream, progress }
    }

    fn report(&self, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match &written {
            Poll::Ready(Ok(0) | Err(_)) => {}
            Poll::Ready(Ok(_)) => self.progress.did_write(true),
            Poll::Pending => self.progress.did_write(false),
        }
        written
    }
}

impl Drop for Transport {
    /// Bytes that the client does not read would stay in the kernel's buffer for minutes; a TCP reset frees it.
    fn drop(&mut self) {
        if self.progress.has_unsendable_bytes()
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "could not reset a connection"
            );
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.progress.did_read();
        }
        read
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.report(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.report(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The web server flushes when its own buffer is empty, so then everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = &flushed {
            self.progress.did_flush();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
