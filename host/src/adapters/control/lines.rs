//! Lines from somebody who may send anything: no line is longer than it may be, none is half, and nobody is waited for
//! without end.

use std::{io, time::Duration};

use bstr::ByteSlice as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    time::timeout,
};

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    /// The longest pause between two pieces of what is sent.
    pause: Duration,
}

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum NoLine {
    /// It is too long.
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
    /// Nothing came.
    #[error("nothing came for {} s", .0.as_secs_f64())]
    Silence(Duration),
    /// The end came before that of the line.
    #[error("the last line is not whole")]
    Half,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads from here, and waits at most so long for each piece.
    pub fn new(from: R, pause: Duration) -> Self {
        Self {
            from: BufReader::with_capacity(64 << 10, from),
            line: Vec::new(),
            pause,
        }
    }

    /// The next line without its end, if there is one. What is too long is not kept.
    ///
    /// # Errors
    /// When there is no whole line that may be kept.
    pub async fn next(&mut self, longest: usize) -> Result<Option<&[u8]>, NoLine> {
        self.line.clear();
        loop {
            let piece = timeout(self.pause, self.from.fill_buf())
                .await
                .map_err(|_| NoLine::Silence(self.pause))??;
            if piece.is_empty() {
                return match self.line.is_empty() {
                    true => Ok(None),
                    false => Err(NoLine::Half),
                };
            }
            let end = piece.find_byte(b'\n');
            let (line, _) = piece.split_at(end.unwrap_or(piece.len()));
            if self.line.len() + line.len() > longest {
                return Err(NoLine::TooLong(longest));
            }
            self.line.extend_from_slice(line);
            let used = line.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn all(bytes: &[u8], longest: usize) -> (Vec<Vec<u8>>, Option<NoLine>) {
        let mut lines = Lines::new(bytes, LONG);
        let mut found = Vec::new();
        loop {
            match lines.next(longest).await {
                Ok(Some(line)) => found.push(line.to_vec()),
                Ok(None) => return (found, None),
                Err(why) => return (found, Some(why)),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_whole_and_not_too_long() {
        let (lines, why) = all(b"a\n\nbc\n", 2).await;
        assert!(why.is_none() && lines == [b"a".as_slice(), b"", b"bc"]);
        assert!(matches!(all(b"a\nb", 2).await, (lines, Some(NoLine::Half)) if lines.len() == 1));
        assert!(matches!(all(b"a\nbcd\n", 2).await, (lines, Some(NoLine::TooLong(2))) if lines.len() == 1));
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_kept() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'), LONG);
        assert!(matches!(lines.next(1 << 20).await, Err(NoLine::TooLong(_))));
        assert!(lines.line.capacity() <= 2 << 20);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_without_end() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut lines = Lines::new(ours, Duration::from_millis(20));
        theirs.write_all(b"half").await.unwrap();
        assert!(matches!(lines.next(9).await, Err(NoLine::Silence(_))));
    }

    proptest! {
        #[test]
        fn what_was_sent_comes_out(sent in prop::collection::vec("[^\n]{0,9}", 0..9)) {
            let text: String = sent.iter().flat_map(|line| [line, "\n"]).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (lines, why) = runtime.block_on(all(text.as_bytes(), 99));
            prop_assert!(why.is_none());
            prop_assert_eq!(lines, sent.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
