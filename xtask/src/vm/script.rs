// SPDX-License-Identifier: GPL-2.0

//! What the guest runs.

use super::programs;
use crate::paths::Paths;
use anyhow::{ensure, Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// A path as a word of a shell.
pub fn quote(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .context("a path that is not UTF-8 cannot be passed to the guest")?;
    Ok(shlex::try_quote(text)?.into_owned())
}

/// Run a command, its output going to our ports, and tell its status.
pub fn for_command(paths: &Paths, modules: &Path, command: &[String]) -> Result<String> {
    ensure!(!command.is_empty(), "no command to run in the guest");
    let words = shlex::try_join(command.iter().map(String::as_str))?;
    Ok(format!(
        r#"{scene}
out=$(port freepte.out) err=$(port freepte.err)
ln -sf "$(port freepte.devout)" /dev/stdout
ln -sf "$(port freepte.deverr)" /dev/stderr
( exec {words} ) </dev/null >"$out" 2>"$err"
echo $? >"$status"
"#,
        scene = scene(paths, modules)?,
    ))
}

/// Run a shell on the console that leads to our terminal, whose size may change meanwhile.
pub fn for_shell(paths: &Paths, modules: &Path, name: &str) -> Result<String> {
    let term = env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
    Ok(format!(
        r#"{scene}
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
tty=/dev/hvc0
stty -F $tty sane iutf8
while read -r rows columns; do
	stty -F $tty rows "$rows" cols "$columns"
done <"$(port freepte.size)" &
cat >/run/freepte.bashrc <<'END'
[ -r ~/.bashrc ] && . ~/.bashrc
PS1='\u@{name}:\w\$ '
PATH={path}:$PATH
END
export TERM={term}
setsid --ctty --wait bash --rcfile /run/freepte.bashrc -i <>$tty >&0 2>&0
echo $? >"$status"
"#,
        scene = scene(paths, modules)?,
        path = programs_path(paths)?,
        term = shlex::try_quote(&term)?,
    ))
}

/// Find the ports, set the scene.
fn scene(paths: &Paths, modules: &Path) -> Result<String> {
    let cwd = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut path = programs_path(paths)?;
    if let Ok(own) = env::var("PATH") {
        path = format!("{path}:{}", shlex::try_quote(&own)?);
    }
    Ok(format!(
        r#"port() {{
	for p in /sys/class/virtio-ports/*; do
		[ "$(cat "$p/name" 2>/dev/null)" = "$1" ] && echo "/dev/${{p##*/}}"
	done
}}
status=$(port freepte.status)
ip link set lo up 2>/dev/null
modules={modules}/lib/modules/$(uname -r)
if [ -d "$modules" ]; then
	mount -t tmpfs modules /lib/modules && ln -s "$modules" "/lib/modules/$(uname -r)"
fi
export PATH={path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root FREEPTE_GUEST=1
[ -b /dev/vda ] && export FREEPTE_DISK=/dev/vda
cd {cwd} 2>/dev/null || cd /"#,
        modules = quote(modules)?,
        cwd = quote(&cwd)?,
    ))
}

/// The part of PATH that has the project's programs.
fn programs_path(paths: &Paths) -> Result<String> {
    let dirs = programs::dirs(paths)?;
    let words: Vec<String> = dirs.iter().map(|dir| quote(dir)).collect::<Result<_>>()?;
    Ok(words.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    fn paths(dir: &Path) -> Paths {
        Paths {
            root: dir.join("a clone"),
            cache: dir.join("a cache"),
        }
    }

    #[test]
    fn words_are_quoted() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let paths = paths(dir.path());
        let command = ["echo", "a b", "$X"].map(str::to_owned);
        let text = for_command(&paths, Path::new("/m n"), &command)?;
        assert!(text.contains("exec echo 'a b' '$X' )"), "{text}");
        assert!(text.contains("modules='/m n'/lib/modules/"), "{text}");
        assert!(for_command(&paths, Path::new("/m"), &[]).is_err());
        Ok(())
    }

    #[test]
    fn the_projects_programs_are_found() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let paths = paths(dir.path());
        for (n, dir) in programs::dirs(&paths)?.iter().enumerate() {
            fs::create_dir_all(dir)?;
            let program = dir.join(format!("freepte-test-{n}"));
            fs::write(&program, "#!/bin/sh\n")?;
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        }
        let count = programs::dirs(&paths)?.len();
        let check = (0..count).map(|n| format!("freepte-test-{n}"));
        let line = scene(&paths, Path::new("/m"))?;
        let line = line.lines().find(|l| l.starts_with("export PATH="));
        let script = format!(
            "{}\ncommand -v {}",
            line.context("no PATH")?,
            check.collect::<Vec<_>>().join(" ")
        );
        let found = crate::cmd::output(Command::new("bash").args(["-c", &script]))?;
        assert_eq!(found.lines().count(), count, "{found}");
        Ok(())
    }

    #[test]
    fn scripts_are_shell() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let paths = paths(dir.path());
        let modules = Path::new("/it's");
        for text in [
            for_command(&paths, modules, &["true".to_owned()])?,
            for_shell(&paths, modules, "freepte")?,
        ] {
            crate::cmd::output(Command::new("bash").args(["-n", "-c", &text]))?;
        }
        Ok(())
    }
}
