//! Medians, and how far measurements scatter around them.

use serde::{Deserialize, Serialize};

/// The middle of some measurements, and of their lower and upper halves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let position = part * (values.len().checked_sub(1)?) as f64;
            let (below, above) = (position.floor() as usize, position.ceil() as usize);
            let (below, above) = (values.get(below)?, values.get(above)?);
            Some(below + (above - below) * position.fract())
        };
        Some(Spread { median: at(0.5)?, lower: at(0.25)?, upper: at(0.75)? })
    }

    /// Half of the measurements are within this part of the median on either side.
    pub(crate) fn noise(self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.upper - self.lower) / 2.0 / self.median }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_between_the_measurements() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.5, lower: 1.75, upper: 3.25 });
        assert_eq!(spread.noise(), 0.3);
        assert_eq!(Spread::of(vec![7.0]).unwrap(), Spread { median: 7.0, lower: 7.0, upper: 7.0 });
        assert_eq!(Spread::of(vec![]), None);
    }
}
