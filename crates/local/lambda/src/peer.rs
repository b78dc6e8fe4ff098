//! Which process is at the other end of a loopback connection, by proc(5).

use std::{
    fs,
    net::{SocketAddr, SocketAddrV4},
};

/// The number of the socket at `peer` that is connected to `own`. None once it is closed.
pub(crate) fn socket_of(peer: SocketAddr, own: SocketAddr) -> Option<u64> {
    let (SocketAddr::V4(peer), SocketAddr::V4(own)) = (peer, own) else { return None };
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let (peer, own) = (hexadecimal(peer), hexadecimal(own));
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_it = columns.get(1..3)? == [&peer, &own];
        // Sockets that belong to no process have the number 0.
        columns.get(9)?.parse().ok().filter(|&number| is_it && number != 0)
    })
}

/// An address as in `/proc/net/tcp`: `0100007F:0FA0`, the host in the machine's byte order.
fn hexadecimal(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

/// Whether the process `id` has the socket `number` open.
pub(crate) fn has_socket(id: i32, number: u64) -> bool {
    let link = format!("socket:[{number}]");
    let files = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|to| to.as_os_str() == &*link)
}

/// The processes of the group that `leader` leads.
pub(crate) fn group(leader: i32) -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        // The name in brackets may hold anything; state, parent and group follow it.
        let group = stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse::<i32>().ok()?;
        (group == leader).then_some(id)
    })
}
