//! What a rendering may still spend.
//!
//! Whoever is about to work pays first: for each step, each byte that is made, compared, searched
//! or written, and each place in a list. What cannot be paid for is not begun, so the time and the
//! memory of a rendering are bounded by its fuel, whatever the template says.

use super::eval::Why;

/// One fuel, in the units that are counted here. A byte costs one unit.
pub(super) const FUEL: u64 = 64;

/// One place in a list.
pub(super) const PLACE: u64 = 32;

/// The fuel of one rendering.
#[derive(Debug)]
pub(super) struct Meter {
    all: u64,
    left: u64,
}

impl Meter {
    pub(super) fn new(fuel: u64) -> Self {
        let all = fuel.saturating_mul(FUEL);
        Self { all, left: all }
    }

    /// Pays for what comes next. Who could not pay once cannot pay any more.
    pub(super) fn pay(&mut self, units: u64) -> Result<(), Why> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Why::TooMuchWork)
            }
        }
    }

    /// Pays for bytes.
    pub(super) fn bytes(&mut self, bytes: usize) -> Result<(), Why> {
        self.pay(bytes as u64)
    }

    /// Pays for places in a list.
    pub(super) fn places(&mut self, places: usize) -> Result<(), Why> {
        self.pay((places as u64).saturating_mul(PLACE))
    }

    /// What has been spent, in fuel, rounded up.
    pub(super) fn spent(&self) -> u64 {
        self.all.saturating_sub(self.left).div_ceil(FUEL)
    }
}
