//! Chance that can be repeated: the same seed gives the same numbers on every machine.
//!
//! The standard library's `ln`, `exp` and `sin` may differ in their last bit from one machine to the next, and a
//! simulation of a million tasks would notice. These use only operations that IEEE 754 defines to the bit.

use std::f64::consts::{LN_2, SQRT_2, TAU};

use tasker_core::splitmix;

/// A small generator: [`splitmix`].
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A generator of its own for each purpose, so that drawing more for one does not change another.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let mixed = purpose.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).next());
        Self(mixed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        splitmix::next(&mut self.0)
    }

    /// A number above 0 and at most 1.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Exponentially distributed, with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(self.unit())
    }

    /// Normally distributed, with mean 0 and deviation 1 (Marsaglia's polar method).
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }
}

/// The natural logarithm of a positive number.
pub(super) fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return if x == f64::INFINITY { x } else { f64::NEG_INFINITY };
    }
    if x < f64::MIN_POSITIVE {
        return ln(x * 2_f64.powi(64)) - 64.0 * LN_2;
    }
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), and the fraction is at most 0.172.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let series = (0..12).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    exponent as f64 * LN_2 + 2.0 * z * series
}

/// The exponential function.
pub(super) fn exp(x: f64) -> f64 {
    if x > 700.0 {
        return f64::INFINITY;
    }
    if x < -700.0 {
        return 0.0;
    }
    let whole = (x / LN_2).round();
    let rest = x - whole * LN_2;
    let series = (1..=18).rev().fold(1.0, |sum, k| 1.0 + sum * rest / f64::from(k));
    series * 2_f64.powi(whole as i32)
}

/// `base` to the power of `exponent`, for a positive base.
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    exp(ln(base) * exponent)
}

/// The sine of an angle in full turns.
pub(super) fn sine(turns: f64) -> f64 {
    let mut part = turns - turns.floor();
    let sign = if part >= 0.5 { -1.0 } else { 1.0 };
    part -= if part >= 0.5 { 0.5 } else { 0.0 };
    let angle = TAU * if part > 0.25 { 0.5 - part } else { part };
    let square = angle * angle;
    let series = (1..=10).rev().fold(1.0, |sum, k| 1.0 - sum * square / f64::from(2 * k * (2 * k + 1)));
    sign * angle * series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, theirs: f64) -> bool {
        (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0)
    }

    #[test]
    fn functions_agree_with_those_of_the_standard_library() {
        for step in 1..4_000 {
            let x = f64::from(step) * 0.0173;
            assert!(close(ln(x), x.ln()), "ln {x}");
            assert!(close(exp(-x), (-x).exp()), "exp -{x}");
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "exp {x}");
            assert!(close(sine(x), (x * TAU).sin()), "sine {x}: {} {}", sine(x), (x * TAU).sin());
            assert!((power(x, 1.7) / x.powf(1.7) - 1.0).abs() < 1e-12, "power {x}");
        }
        assert!(close(ln(1e-310), 1e-310_f64.ln()));
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn numbers_have_the_mean_they_promise() {
        let mut rng = Rng::new(1, "test");
        let count = 100_000;
        let mean = |sum: f64| sum / f64::from(count);
        let unit = mean((0..count).map(|_| rng.unit()).sum());
        let exponential = mean((0..count).map(|_| rng.exponential()).sum());
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..count {
            let x = rng.normal();
            sum += x;
            squares += x * x;
        }
        assert!((unit - 0.5).abs() < 0.01, "{unit}");
        assert!((exponential - 1.0).abs() < 0.02, "{exponential}");
        assert!(mean(sum).abs() < 0.02 && (mean(squares) - 1.0).abs() < 0.03, "{sum} {squares}");
    }

    #[test]
    fn each_purpose_has_numbers_of_its_own() {
        let first = |seed, purpose| Rng::new(seed, purpose).next();
        assert_eq!(first(7, "arrivals"), first(7, "arrivals"));
        assert_ne!(first(7, "arrivals"), first(7, "services"));
        assert_ne!(first(7, "arrivals"), first(8, "arrivals"));
    }
}
