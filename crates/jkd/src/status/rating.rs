//! `good` and `bad`: what members' activations and states come to.

use jkworkers::model::{Activation, StatusWorker};

use crate::balancer::{Health, State};

/// Sets of combinations of activation and state: for each activation eight bits, one a class of
/// states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rating {
    good: u32,
    bad: u32,
}

const ACTIVE: u32 = 0x0000_00ff;
const DISABLED: u32 = 0x0000_ff00;
const STOPPED: u32 = 0x00ff_0000;
const OK: u32 = 0x0001_0101;
const IDLE: u32 = 0x0002_0202;
const BUSY: u32 = 0x0004_0404;
const RECOVER: u32 = 0x0008_0808;
const ERROR: u32 = 0x0010_1010;

/// What an empty list stands for.
const GOOD: u32 = ACTIVE & (OK | IDLE | BUSY | RECOVER);
const BAD: u32 = STOPPED | ERROR;

impl Rating {
    pub(super) fn of(worker: &StatusWorker) -> Self {
        let any = |items: &[String], usual: u32| {
            let all = items.iter().map(|item| combinations(item));
            all.reduce(|some, more| some | more).unwrap_or(usual)
        };
        Self {
            good: any(&worker.good, GOOD),
            bad: any(&worker.bad, BAD),
        }
    }

    /// What is both is bad, and what is neither is degraded.
    pub(super) const fn rate(self, activation: Activation, state: State) -> Health {
        let activation = match activation {
            Activation::Active => ACTIVE,
            Activation::Disabled => DISABLED,
            Activation::Stopped => STOPPED,
        };
        let state = match state {
            State::Idle => IDLE,
            State::Ok => OK,
            State::Busy => BUSY,
            State::Error => ERROR,
            State::Recover | State::Forced | State::Probe => RECOVER,
        };
        if self.bad & activation & state != 0 {
            Health::Bad
        } else if self.good & activation & state != 0 {
            Health::Good
        } else {
            Health::Degraded
        }
    }
}

/// `a.o`, or either letter alone: of each word only the first letter counts.
fn combinations(item: &str) -> u32 {
    let item = item.trim_start_matches([' ', '\t', '.']);
    let (first, second) = item.split_once('.').unwrap_or((item, ""));
    let second = second.chars().next().map_or(u32::MAX, class);
    first.chars().next().map_or(0, class) & second
}

const fn class(letter: char) -> u32 {
    match letter.to_ascii_lowercase() {
        'a' => ACTIVE,
        'd' => DISABLED,
        's' => STOPPED,
        'o' => OK,
        'i' | 'n' => IDLE,
        'b' => BUSY,
        'r' => RECOVER,
        'e' => ERROR,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use Activation::{Active, Disabled, Stopped};

    use super::*;

    fn rating(good: &str, bad: &str) -> Rating {
        let list = |text: &str| text.split(',').map(str::to_owned).collect();
        Rating::of(&StatusWorker {
            good: list(good),
            bad: list(bad),
            ..StatusWorker::default()
        })
    }

    #[test]
    fn the_usual_lists() {
        let usual = rating("a.o,a.i,a.b,a.r", "s,e");
        for (activation, state, expected) in [
            (Active, State::Ok, Health::Good),
            (Active, State::Idle, Health::Good),
            (Active, State::Busy, Health::Good),
            (Active, State::Forced, Health::Good),
            (Active, State::Probe, Health::Good),
            (Active, State::Error, Health::Bad),
            (Disabled, State::Ok, Health::Degraded),
            (Disabled, State::Error, Health::Bad),
            (Stopped, State::Idle, Health::Bad),
        ] {
            assert_eq!(
                usual.rate(activation, state),
                expected,
                "{activation:?} {state:?}"
            );
        }
    }

    #[test]
    fn words_count_by_their_first_letters() {
        let own = rating("active", "Disabled.OK, disabled.Nothing,x,");
        assert_eq!(own.rate(Active, State::Error), Health::Good);
        assert_eq!(own.rate(Disabled, State::Ok), Health::Bad);
        assert_eq!(own.rate(Disabled, State::Idle), Health::Bad);
        assert_eq!(own.rate(Disabled, State::Error), Health::Degraded);
    }

    #[test]
    fn empty_lists_are_the_usual_ones() {
        let usual = rating("a.o,a.i,a.b,a.r", "s,e");
        assert_eq!(Rating::of(&StatusWorker::default()), usual);
    }

    #[test]
    fn bad_goes_before_good() {
        assert_eq!(rating("a", "o").rate(Active, State::Ok), Health::Bad);
    }
}
