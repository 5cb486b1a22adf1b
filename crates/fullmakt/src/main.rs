//! Customers buy their own reservations on the partner's account: the server and its command line.

mod ask;
mod books;
mod can_buy;
mod cli;
mod clock;
mod config;
mod demo;
mod explain;
mod import;
mod keys;
mod logging;
mod migrate;
mod rate;
mod ready_file;
mod serve;
mod world_cmd;

use std::process::ExitCode;

/// Password hashes take 19 MiB each on whichever thread is free. The system's allocator keeps such a piece for every thread
/// that once had one, hundreds of MiB in all; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value)));
    cli::run(std::env::args_os(), environment.collect(), &mut std::io::stdout(), &mut std::io::stderr())
}
