// SPDX-License-Identifier: GPL-2.0

//! `clean --all`, after commands that leave something in the cache, and while one runs.

use super::stage::{end_of, names, Stage, STUBBORN};
use anyhow::Result;
use rustix::process::{kill_process, Pid, Signal};
use std::fs;

#[test]
fn all_is_removed_after_fuzz() -> Result<()> {
    let stage = Stage::new("exit 1")?;
    assert!(!stage.run(&stage.two_guests())?.status.success());
    let left = names(&stage.cache())?;
    for name in ["CACHEDIR.TAG", "clones", "fuzz", "run"] {
        assert!(left.iter().any(|n| n == name), "{left:?}");
    }
    assert!(stage.run(&["clean", "--all"])?.status.success());
    assert_eq!(names(&stage.cache())?, [""; 0]);
    Ok(())
}

#[test]
fn what_is_not_ours_stays() -> Result<()> {
    let stage = Stage::new("exit 1")?;
    fs::write(stage.cache().join("thesis.tex"), "")?;
    assert!(!stage.run(&stage.two_guests())?.status.success());
    let out = stage.run(&["clean", "--all"])?;
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("nothing was removed"));
    assert!(stage.cache().join("fuzz").exists());
    Ok(())
}

#[test]
fn nothing_is_removed_under_another_one() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let mut child = stage.start(&stage.two_guests(), 2)?;
    let out = stage.run(&["clean", "--all"])?;
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("another cargo xtask"));
    assert!(stage.cache().join("tools").exists());
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    end_of(&mut child)?;
    assert!(stage.run(&["clean", "--all"])?.status.success());
    stage.nothing_is_left().ok();
    assert_eq!(names(&stage.cache())?, [""; 0]);
    Ok(())
}
