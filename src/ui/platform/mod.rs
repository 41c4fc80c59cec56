//! The desktop and the graphics device the window is on, and what the system asks of it.

pub(super) mod desktop;
pub(super) mod graphics;
pub(super) mod signals;
