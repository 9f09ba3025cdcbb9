//! Properties of the dispatcher over random orders of events: what the design promises about hooks, slots, records and
//! outcomes.
//!
//! [`moves`] makes up what happens, [`world`] carries out what the dispatcher decides, [`promises`] says what must hold, and
//! [`examples`] and [`kills`] are single stories.

mod examples;
mod kills;
mod moves;
mod promises;
mod world;

use proptest::prelude::*;

use self::{
    moves::{a_move, past, policy},
    world::World,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_events_keeps_the_promises(policy in policy(), moves in prop::collection::vec(a_move(), 0..120)) {
        let mut world = World::new(policy);
        for step in moves {
            world.play(step);
        }
        ends_well(world)?;
    }

    #[test]
    fn a_run_that_is_resumed_keeps_them_too(
        policy in policy(),
        (jobs, past) in past(),
        moves in prop::collection::vec(a_move(), 0..60),
    ) {
        let mut world = World::resumed(policy, jobs, past);
        for step in moves {
            world.play(step);
        }
        ends_well(world)?;
    }
}

fn ends_well(mut world: World) -> Result<(), TestCaseError> {
    world.drain();
    prop_assert!(world.finished);
    promises::facts(&world);
    promises::journal(&world);
    promises::counts(&world);
    Ok(())
}
