//! The only SQL of Fullmakt, and the only door to its data.
