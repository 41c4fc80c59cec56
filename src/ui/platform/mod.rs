//! The desktop and the graphics device the window is on.

pub(super) mod desktop;
pub(super) mod graphics;
