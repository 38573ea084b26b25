//! The soft limit of open files is raised at the start, because each connection needs one.

use super::*;

/// The soft and the hard limit of open files of a process.
fn limits_of(pid: u32) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap();
    let limits: Vec<String> = line.split_whitespace().take(2).map(str::to_owned).collect();
    limits.try_into().unwrap()
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    let mut low = Command::new("sh");
    let script = "ulimit -Sn 256 && echo ready >&2 && read go && exec \"$0\" serve";
    low.args(["-c", script, env!("CARGO_BIN_EXE_relatch")])
        .current_dir(&place.0)
        .env_clear();
    let mut serving = low
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(serving.stderr.as_mut().unwrap(), &mut ready).unwrap();
    assert_eq!(&ready, b"ready\n");
    let [soft, hard] = limits_of(serving.id());
    assert!(soft == "256" && hard != soft, "{soft} {hard}");
    serving.stdin.take().unwrap().write_all(b"go\n").unwrap();
    wait_for_line(&mut serving, "listening");
    assert_eq!(limits_of(serving.id()), [hard.clone(), hard]);
    serving.kill().unwrap();
    serving.wait().unwrap();
}
