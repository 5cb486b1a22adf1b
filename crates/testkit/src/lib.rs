//! Worlds, personas and every end-to-end test of Fullmakt.
