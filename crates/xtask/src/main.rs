//! Every chore of the repository as one command.

fn main() {}
