//! The progress of a long run: one line on standard error, only on a terminal, erased at the end.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_millis(700);
const INTERVAL: Duration = Duration::from_millis(200);
/// To the start of the line, and what is on it is erased.
const CLEAR: &str = "\r\x1b[K";

/// A run that tells how far it has come, until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<State>,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    done: AtomicUsize,
    bytes: AtomicU64,
}

impl Progress {
    /// Begins a run over this many streams.
    pub(crate) fn start(total: usize) -> Self {
        let state = Arc::new(State { total, ..State::default() });
        let ticker = io::stderr().is_terminal().then(|| tick(Arc::clone(&state), io::stderr(), PATIENCE));
        Self { state, ticker }
    }

    /// One more stream is through.
    pub(crate) fn step(&self) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
    }

    /// This many bytes more have been read.
    pub(crate) fn read(&self, bytes: usize) {
        self.state.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, ticker)) = self.ticker.take() {
            drop(end);
            let _ = ticker.join();
        }
    }
}

/// Writes the line again and again, from a thread of its own: the run itself may be busy with one large stream.
fn tick(
    state: Arc<State>,
    mut place: impl Write + Send + 'static,
    patience: Duration,
) -> (Sender<()>, JoinHandle<()>) {
    let (end, ended) = mpsc::channel();
    let ticker = thread::spawn(move || {
        let start = Instant::now();
        let mut wait = patience;
        let mut shown = false;
        while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = INTERVAL;
            shown = true;
            let _ = write!(place, "{CLEAR}{}", state.line(start.elapsed()));
            let _ = place.flush();
        }
        if shown {
            let _ = write!(place, "{CLEAR}");
            let _ = place.flush();
        }
    });
    (end, ticker)
}

impl State {
    fn line(&self, elapsed: Duration) -> String {
        let (done, megabytes) =
            (self.done.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed) / 1_000_000);
        let files = if self.total > 1 { format!("{done} of {} files, ", self.total) } else { String::new() };
        format!("resecret: {files}{megabytes} MB read, {} s", elapsed.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a terminal").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a run of this length leaves on a terminal.
    fn shown(patience: Duration, run: Duration) -> String {
        let terminal = Terminal::default();
        let state = Arc::new(State { total: 3, ..State::default() });
        let ticker = Some(tick(Arc::clone(&state), terminal.clone(), patience));
        let progress = Progress { state, ticker };
        progress.read(2_000_000);
        progress.step();
        thread::sleep(run);
        drop(progress);
        let text = terminal.0.lock().expect("a terminal").clone();
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn a_long_run_shows_a_line_that_is_gone_at_the_end() {
        let shown = shown(Duration::ZERO, Duration::from_millis(50));
        assert!(shown.contains("1 of 3 files, 2 MB read") || shown.contains("of 3 files"), "{shown:?}");
        assert!(shown.ends_with(CLEAR), "{shown:?}");
    }

    #[test]
    fn a_short_run_shows_nothing() {
        assert_eq!(shown(Duration::from_secs(60), Duration::ZERO), "");
    }
}
