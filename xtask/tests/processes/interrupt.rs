// SPDX-License-Identifier: GPL-2.0

//! The end comes while two guests run.

use super::stage::{end_of, until, Stage, STUBBORN, STUBBORN_PROCESSES};
use anyhow::{Context, Result};
use rustix::process::{kill_process, Pid, Signal};
use std::fs;
use std::process::Child;

/// Those of two guests, of `cargo xtask`, and of its reaper.
const ALL: usize = 2 * STUBBORN_PROCESSES + 2;

fn send(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill_process(Pid::from_child(child), signal)?)
}

fn two_stubborn_guests() -> Result<(Stage, Child)> {
    let stage = Stage::new(STUBBORN)?;
    let child = stage.start(&stage.two_guests(), 2)?;
    until("all processes run", || Ok(stage.processes()?.len() == ALL))?;
    Ok((stage, child))
}

fn reaper(stage: &Stage) -> Result<Pid> {
    let is_reaper = |pid: &Pid| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.contains("__reaper"))
    };
    let reaper = stage.processes()?.into_iter().find(is_reaper);
    reaper.context("no reaper")
}

fn ends_by(signal: Signal, status: i32) -> Result<()> {
    let (stage, mut child) = two_stubborn_guests()?;
    send(&child, signal)?;
    assert_eq!(end_of(&mut child)?.code(), Some(status));
    // Not a moment later: whoever waited for us goes on.
    stage.nothing_temporary_is_left()?;
    stage.nothing_is_left()
}

#[test]
fn sigint_ends_all() -> Result<()> {
    ends_by(Signal::INT, 130)
}

#[test]
fn sigterm_ends_all() -> Result<()> {
    ends_by(Signal::TERM, 143)
}

#[test]
fn sighup_ends_all() -> Result<()> {
    ends_by(Signal::HUP, 129)
}

#[test]
fn sigkill_ends_all() -> Result<()> {
    let (stage, mut child) = two_stubborn_guests()?;
    send(&child, Signal::KILL)?;
    assert_eq!(end_of(&mut child)?.code(), None);
    stage.nothing_is_left()
}

/// As with a Ctrl-C for everything that has the terminal, and the patience of a user.
#[test]
fn asking_twice_is_not_to_wait() -> Result<()> {
    let (stage, mut child) = two_stubborn_guests()?;
    let reaper = reaper(&stage)?;
    kill_process(reaper, Signal::STOP)?;
    send(&child, Signal::INT)?;
    until("the first one was heard", || {
        Ok(stage.said()?.contains("SIGINT"))
    })?;
    send(&child, Signal::INT)?;
    assert_eq!(end_of(&mut child)?.code(), Some(130));
    assert!(stage.processes()?.len() > 1);
    kill_process(reaper, Signal::CONT)?;
    stage.nothing_is_left()
}

/// Whoever starts us with nohup has closed terminals in mind.
#[test]
fn a_signal_that_is_ignored_stays_so() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let mut child = stage
        .command("bash")?
        .stderr(stage.stderr()?)
        .args(["-c", "trap '' HUP; exec \"$@\"", "bash"])
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .args(stage.two_guests())
        .spawn()?;
    stage.wait_for_guests(2)?;
    send(&child, Signal::HUP)?;
    send(&child, Signal::TERM)?;
    assert_eq!(end_of(&mut child)?.code(), Some(143));
    let said = stage.said()?;
    assert!(
        said.contains("SIGTERM") && !said.contains("SIGHUP"),
        "{said}"
    );
    stage.nothing_is_left()
}

/// As after a power cut, but that processes are left as well.
#[test]
fn the_next_one_takes_what_is_left() -> Result<()> {
    let (stage, mut child) = two_stubborn_guests()?;
    kill_process(reaper(&stage)?, Signal::KILL)?;
    send(&child, Signal::KILL)?;
    end_of(&mut child)?;
    let guests = 2 * STUBBORN_PROCESSES;
    until("the guests are left", || {
        Ok(stage.processes()?.len() == guests)
    })?;
    assert!(stage.nothing_temporary_is_left().is_err());

    assert!(stage.run(&["test", "--list"])?.status.success());
    stage.nothing_temporary_is_left()?;
    stage.nothing_is_left()
}

/// What another one uses is not left.
#[test]
fn the_next_one_lets_others_run() -> Result<()> {
    let (stage, mut child) = two_stubborn_guests()?;
    assert!(stage.run(&["test", "--list"])?.status.success());
    until("the same processes run", || {
        Ok(stage.processes()?.len() == ALL)
    })?;
    send(&child, Signal::TERM)?;
    end_of(&mut child)?;
    stage.nothing_is_left()
}

#[test]
fn a_guest_whose_time_ran_out_ends() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let args = stage.one_guest(&["--timeout=1", "--disk=1G", "--", "true"]);
    assert_eq!(stage.run(&args)?.status.code(), Some(124));
    stage.nothing_is_left()
}
