//! World files: a TOML description of partners and customers, checked line by line.
