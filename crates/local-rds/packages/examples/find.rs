//! Finds or fetches the servers named on the command line, and says where they are.
#![allow(clippy::print_stdout)]

use std::error::Error;

use local_rds_packages::{Engine, find_or_fetch};

fn main() -> Result<(), Box<dyn Error>> {
    for name in std::env::args().skip(1) {
        let engine: Engine = name.parse()?;
        let server = find_or_fetch(engine, &mut |line| println!("{line}"))?;
        println!("{engine} {}: {:?}", server.version, server.command());
    }
    Ok(())
}
