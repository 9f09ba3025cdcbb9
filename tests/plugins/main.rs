//! Plugins as their users meet them: found, chosen, shown, granted rights, called in order, and kept from doing harm.

mod choosing;
mod compatibility;
mod compiled;
mod doctor;
mod hello;
mod hooks;
mod journal;
mod knocking;
mod limits;
mod lock;
mod misbehaving;
mod mounts;
mod net;
mod order;
mod rights;
mod schedulers;
mod showing;
mod slow;
mod supervision;
mod trying;
mod values;
