//! Processes, from proc(5): their children, and the sockets that they listen on.

use std::fs;

/// The running children of `parent`.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter(|&id| stat(id).is_some_and(|(state, of)| state != 'Z' && of == parent)).collect()
}

/// Whether the process runs and is not a zombie.
pub(crate) fn is_running(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != 'Z')
}

/// The state of a process, and its parent.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may contain anything; state and parent follow it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The lines of the kernel's tables for the listening sockets of `process`: TCP in the state LISTEN (`0A`),
/// Unix sockets with the flag `__SO_ACCEPTCON`.
pub(crate) fn listening(process: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    let sockets: Vec<String> = targets
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    // The column of the state, its value for listening, and the column of the socket's inode.
    let tables = [("tcp", 3, "0A", 9), ("tcp6", 3, "0A", 9), ("unix", 3, "00010000", 6)];
    let of_table = |(table, state, value, number): (&str, usize, &str, usize)| {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        let is_meant = |line: &&str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            columns.get(state) == Some(&value)
                && columns.get(number).is_some_and(|id| sockets.iter().any(|own| own == id))
        };
        text.lines().filter(is_meant).map(str::to_owned).collect::<Vec<_>>()
    };
    tables.into_iter().flat_map(of_table).collect()
}
