//! Customers buy their own reservations on the partner's account: the server and its command line.

fn main() {}
