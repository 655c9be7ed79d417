// SPDX-License-Identifier: GPL-2.0

//! Progress of long work: a spinner on a terminal, a line now and then elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(30);

/// Two things may be under way at once: each has a line of its own.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

pub struct Progress {
    title: String,
    start: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(title: &str) -> Self {
        let on_terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = on_terminal.then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix} [{elapsed_precise}] {wide_msg}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            eprintln!("{title} ...");
        }
        let now = Instant::now();
        Self {
            title: title.to_owned(),
            start: now,
            last_line: now,
            bar,
        }
    }

    /// Say what is being done now.
    pub fn update(&mut self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            eprintln!(
                "{}: {} s, {message}",
                self.title,
                self.start.elapsed().as_secs()
            );
        }
    }

    /// The work is done.
    pub fn done(self) {
        let secs = self.start.elapsed().as_secs_f64();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: done in {secs:.0} s", self.title);
    }
}

/// Take all that is shown off the terminal.
pub fn clear() {
    let _ = BARS.clear();
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
