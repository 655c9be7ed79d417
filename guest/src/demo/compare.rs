// SPDX-License-Identifier: GPL-2.0

//! Every workload, with the freeing off, then on.

use crate::knob::Knob;
use crate::report::{Figures, Report, Row, Run, State, BAR_KB};
use crate::workloads::{self, Size, Workload};
use crate::{table, verdict, Options};
use anyhow::{ensure, Context, Result};
use pagetables::cpus;
use pagetables::guard;
use pagetables::sample::Sample;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The tables are looked at so long after the memory went.
const SETTLE: Duration = Duration::from_secs(2);

fn measure(workload: &mut dyn Workload, size: Size) -> Result<Figures> {
    let mut grown = workload.grow(size, &mut |_| Ok(()))?;
    let peak = Sample::take(grown.pid(), None)?;
    grown.shrink()?;
    cpus::wait_awake(SETTLE)?;
    let after = Sample::take(grown.pid(), Some(&peak.shape))?;
    Ok(Figures::new(&peak, &after))
}

/// Measure a workload in every state; what was measured before an error stays in `runs`.
fn run_states(
    workload: &mut dyn Workload,
    size: Size,
    knob: Option<&Knob>,
    states: &[State],
    runs: &mut Vec<Run>,
) -> Result<()> {
    let start = Instant::now();
    workload.prepare(size)?;
    let mut times = vec![format!(
        "prepared in {:.1} s",
        start.elapsed().as_secs_f32()
    )];
    for &state in states {
        if let Some(knob) = knob {
            knob.set(state == State::On)?;
        }
        let start = Instant::now();
        let figures = measure(workload, size)?;
        times.push(format!("run in {:.1} s", start.elapsed().as_secs_f32()));
        runs.push(Run { state, figures });
    }
    eprintln!("    {}", times.join(", "));
    Ok(())
}

fn run_one(workload: &mut dyn Workload, size: Size, knob: Option<&Knob>, states: &[State]) -> Row {
    let mut row = Row {
        name: workload.name().to_owned(),
        title: workload.title(size),
        runs: Vec::new(),
        skipped: workload.missing().map(|what| format!("{what} is missing")),
        error: None,
    };
    if row.skipped.is_none() {
        let done = run_states(workload, size, knob, states, &mut row.runs);
        row.error = done.err().map(|error| format!("{error:#}"));
        workload.finish();
    }
    row
}

fn read(file: &Path) -> Result<Report> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has no figures", file.display()))
}

/// Run the workloads of these names, or all; prints the table and returns whether the bar holds.
pub fn run(names: &[String], options: &Options) -> Result<bool> {
    guard::check()?;
    let size = Size {
        quick: options.quick,
    };
    let mut chosen = workloads::choose(workloads::all(), names)?;

    let stock = options.stock.as_deref().map(read).transpose()?;
    let knob = Knob::find()?;
    ensure!(
        knob.is_some() || stock.is_none(),
        "this kernel has no free_user_pte: there is nothing to compare"
    );
    let states: &[State] = if knob.is_some() {
        &[State::Off, State::On]
    } else {
        eprintln!("note: this kernel has no free_user_pte; its own figures follow");
        &[State::Plain]
    };
    let total = chosen.len();
    let mut rows = Vec::new();
    for (number, workload) in chosen.iter_mut().enumerate() {
        eprintln!("[{}/{}] {}", number + 1, total, workload.title(size));
        rows.push(run_one(workload.as_mut(), size, knob.as_ref(), states));
    }
    let mut report = Report {
        kernel: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
        quick: size.quick,
        states: states.to_vec(),
        settle_ms: SETTLE.as_millis() as u64,
        bar_kb: BAR_KB,
        rows,
    };
    if let Some(stock) = &stock {
        report.add_stock(stock)?;
    }
    let mut text = format!(
        "{}\n\n{}\n",
        table::render(&report),
        verdict::sentence(&report)
    );
    for complaint in verdict::complaints(&report) {
        text.push_str(&complaint);
        text.push('\n');
    }
    let json = || serde_json::to_string_pretty(&report).map(|json| json + "\n");
    match options.json.as_deref() {
        Some(file) if file == Path::new("-") => {
            eprint!("{text}");
            print!("{}", json()?);
        }
        file => {
            print!("{text}");
            if let Some(file) = file {
                fs::write(file, json()?).with_context(|| format!("writing {}", file.display()))?;
            }
        }
    }
    Ok(report.holds(options.strict))
}
