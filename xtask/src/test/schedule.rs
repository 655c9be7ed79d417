// SPDX-License-Identifier: GPL-2.0

//! Which step starts next: one that has all that it waits for, and room on the machine.

use crate::build::Variant;
use crate::steps::{Load, Step};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Good,
    Bad,
}

/// How many steps of each kind may run at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// A guest under TCG keeps one processor of the host busy, whatever it does. With KVM the tests
    /// that let its own processors race want all of them.
    pub guests: usize,
}

impl Room {
    pub fn new(cpus: usize, kvm: bool) -> Self {
        Self {
            guests: if kvm { 1 } else { cpus.clamp(1, 2) },
        }
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Move {
    Start(usize),
    /// A kernel that the step needs was not built
    Refuse(usize, Variant),
}

pub struct Schedule<'a> {
    steps: &'a [&'static Step],
    states: Vec<State>,
    room: Room,
}

impl<'a> Schedule<'a> {
    pub fn new(steps: &'a [&'static Step], room: Room) -> Self {
        Self {
            steps,
            states: vec![State::Waiting; steps.len()],
            room,
        }
    }

    fn with(&self, state: State) -> impl Iterator<Item = (usize, &'static Step)> + '_ {
        let all = self.steps.iter().copied().enumerate().zip(&self.states);
        all.filter(move |(_, s)| **s == state).map(|(step, _)| step)
    }

    fn set(&mut self, index: usize, state: State) {
        if let Some(slot) = self.states.get_mut(index) {
            *slot = state;
        }
    }

    fn builds(&self, state: State, variant: Variant) -> bool {
        self.with(state)
            .any(|(_, step)| step.load == Load::Build(variant))
    }

    /// One build at a time, which leaves room for a guest less: no verdict hangs on how fast the
    /// machine is, but two guests beside a compiler would wait for each other.
    fn fits(&self, load: Load) -> bool {
        let running = |kind: fn(Load) -> bool| {
            self.with(State::Running)
                .filter(|(_, step)| kind(step.load))
                .count()
        };
        let building = running(|l| matches!(l, Load::Build(_))) > 0;
        let guests = running(|l| l == Load::Guest);
        match load {
            Load::Host => running(|l| l == Load::Host) == 0,
            Load::Build(_) => !building,
            Load::Guest if building => guests < self.room.guests.saturating_sub(1).max(1),
            Load::Guest => guests < self.room.guests,
        }
    }

    /// The first step of the list that can go on; none while all of them wait for others.
    pub fn next(&mut self) -> Option<Move> {
        let waiting: Vec<_> = self.with(State::Waiting).collect();
        for (index, step) in waiting {
            let bad = |v: &&Variant| self.builds(State::Bad, **v);
            if let Some(variant) = step.kernels.iter().find(bad) {
                let variant = *variant;
                self.set(index, State::Bad);
                return Some(Move::Refuse(index, variant));
            }
            let to_come =
                |v: &Variant| self.builds(State::Waiting, *v) || self.builds(State::Running, *v);
            if !step.kernels.iter().any(to_come) && self.fits(step.load) {
                self.set(index, State::Running);
                return Some(Move::Start(index));
            }
        }
        None
    }

    pub fn ended(&mut self, index: usize, good: bool) {
        self.set(index, if good { State::Good } else { State::Bad });
    }

    pub fn running(&self) -> usize {
        self.with(State::Running).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Done;

    const fn step(name: &'static str, load: Load, kernels: &'static [Variant]) -> Step {
        Step {
            name,
            full: false,
            load,
            needs: &[],
            kernels,
            may_skip: None,
            run: |_| Ok(Done::Pass(String::new())),
        }
    }

    const STEPS: &[&Step] = &[
        &step("host", Load::Host, &[]),
        &step("build freepte", Load::Build(Variant::Freepte), &[]),
        &step("build debug", Load::Build(Variant::Debug), &[]),
        &step("debug", Load::Guest, &[Variant::Debug]),
        &step("freepte", Load::Guest, &[Variant::Freepte]),
        &step("freepte too", Load::Guest, &[Variant::Freepte]),
        &step("any", Load::Guest, &[]),
    ];

    fn all(schedule: &mut Schedule<'_>) -> Vec<Move> {
        std::iter::from_fn(|| schedule.next()).collect()
    }

    #[test]
    fn a_guest_runs_beside_a_build_and_two_after_it() {
        let mut schedule = Schedule::new(STEPS, Room::new(2, false));
        // Nothing that needs a kernel starts before it is built; what needs none may.
        let first = [Move::Start(0), Move::Start(1), Move::Start(6)];
        assert_eq!(all(&mut schedule), first);
        schedule.ended(6, true);
        assert_eq!(all(&mut schedule), []);
        schedule.ended(1, true);
        assert_eq!(all(&mut schedule), [Move::Start(2), Move::Start(4)]);
        schedule.ended(2, true);
        assert_eq!(all(&mut schedule), [Move::Start(3)]);
        schedule.ended(4, true);
        assert_eq!(all(&mut schedule), [Move::Start(5)]);
        assert_eq!(schedule.running(), 3);
    }

    /// The compiler leaves one of two processors to a guest, and a third one to another.
    #[test]
    fn room_beside_a_build() {
        for (guests, beside) in [(1, 1), (2, 1), (3, 2)] {
            let mut schedule = Schedule::new(STEPS, Room { guests });
            schedule.ended(1, true);
            all(&mut schedule);
            assert_eq!(schedule.running(), 2 + beside);
        }
    }

    #[test]
    fn one_guest_with_kvm() {
        let mut schedule = Schedule::new(STEPS, Room::new(8, true));
        schedule.ended(1, true);
        schedule.ended(2, true);
        assert_eq!(all(&mut schedule), [Move::Start(0), Move::Start(3)]);
    }

    #[test]
    fn nothing_boots_a_kernel_that_was_not_built() {
        let mut schedule = Schedule::new(STEPS, Room::new(2, false));
        all(&mut schedule);
        schedule.ended(6, true);
        schedule.ended(1, false);
        let refused = |n| Move::Refuse(n, Variant::Freepte);
        assert_eq!(all(&mut schedule), [Move::Start(2), refused(4), refused(5)]);
        for n in [0, 2] {
            schedule.ended(n, true);
        }
        assert_eq!(all(&mut schedule), [Move::Start(3)]);
        schedule.ended(3, true);
        assert_eq!((all(&mut schedule), schedule.running()), (vec![], 0));
    }
}
