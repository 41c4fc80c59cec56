//! The exit codes of the command line.

pub(super) const DONE: i32 = 0;
pub(super) const FAILED: i32 = 1;
pub(super) const USAGE: i32 = 2;
pub(super) const CANCELLED: i32 = 130;
