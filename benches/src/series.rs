//! One figure, measured once a round.

/// The values of a figure over the rounds.
#[derive(Debug, Clone, Default)]
pub struct Series(Vec<f64>);

impl Series {
    /// Adds a round's value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The smallest: what the machine can do when nothing else disturbs it.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// The largest.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// The one in the middle; of an even number, the mean of the two there.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.get(middle) {
            None => f64::NAN,
            Some(value) if sorted.len() % 2 == 1 => *value,
            Some(value) => f64::midpoint(*value, sorted[middle - 1]),
        }
    }

    /// Round by round, this less `other`.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours - theirs).collect())
    }

    /// Round by round, this divided by `other`.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series(values.to_vec())
    }

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        assert!((series(&[4.0, 1.0, 3.0, 2.0]).median() - 2.5).abs() < 1e-9);
        assert!((series(&[3.0, 1.0, 2.0]).median() - 2.0).abs() < 1e-9);
        assert!(Series::default().median().is_nan());
    }

    #[test]
    fn rounds_are_compared_with_their_own_round() {
        let added = series(&[10.0, 30.0]).less(&series(&[1.0, 20.0]));
        assert!((added.least() - 9.0).abs() < 1e-9 && (added.most() - 10.0).abs() < 1e-9);
    }
}
