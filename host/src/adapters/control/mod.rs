//! A run that lives can be spoken to: over a socket in its workdir, one question and one answer for each connection.
//!
//! - [`protocol`]: what is said, as pure data;
//! - [`lines`]: lines from somebody who may send anything, or nothing;
//! - [`address`]: where the socket is, whatever the length of its path;
//! - [`server`]: the run's side;
//! - [`client`]: the other side.
//!
//! Only the user who runs the run gets in: the socket has the mode 0600, and the kernel tells who is at the other end.

pub mod address;
pub mod client;
pub mod lines;
pub mod protocol;
pub mod server;
