//! Arithmetic that knows when it rounds (Dekker, 1971; Knuth, The Art of Computer Programming 2, 4.2.2).

/// A number with a bound of its error; zero for numbers that are known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracked {
    pub value: f64,
    pub error: f64,
}

/// The rounding error of a + b.
pub fn sum_error(a: f64, b: f64) -> f64 {
    let s = a + b;
    let t = s - a;
    (a - (s - t)) + (b - t)
}

/// The rounding error of a b.
pub fn product_error(a: f64, b: f64) -> f64 {
    a.mul_add(b, -(a * b))
}

/// Whether a b = c d exactly.
pub fn same_product(a: f64, b: f64, c: f64, d: f64) -> bool {
    a * b == c * d && product_error(a, b) == product_error(c, d)
}

impl Tracked {
    /// A coefficient as written: integers and short binary fractions are meant, other decimals are rounded.
    pub fn coefficient(value: f64) -> Self {
        let short = (value * f64::from(1 << 20)).fract() == 0.0 && value.abs() < f64::from(1 << 30);
        Self { value, error: if short { 0.0 } else { 2.0 * f64::EPSILON * value.abs() } }
    }

    pub fn is_zero(self) -> bool {
        self.value == 0.0 && self.error == 0.0
    }

    /// Whether it is certainly not zero.
    pub fn is_nonzero(self) -> bool {
        self.value.abs() > self.error
    }

    pub fn add(self, other: Self) -> Self {
        let value = self.value + other.value;
        let error = self.error + other.error + sum_error(self.value, other.value).abs();
        Self { value, error: error * (1.0 + 1e-15) }
    }

    pub fn mul(self, other: Self) -> Self {
        let rounding = product_error(self.value, other.value).abs();
        let error =
            self.error * other.value.abs() + other.error * self.value.abs() + self.error * other.error + rounding;
        Self { value: self.value * other.value, error: error * (1.0 + 1e-15) }
    }

    pub fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// The quotient by a number that is certainly not zero.
    pub fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let rounding = value.mul_add(-other.value, self.value).abs();
        let least = other.value.abs() - other.error;
        Self { value, error: (rounding + self.error + value.abs() * other.error) / least * (1.0 + 1e-15) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_operations_have_no_error() {
        let t = Tracked::coefficient;
        assert_eq!(t(3.0).mul(t(0.25)).add(t(-0.75)), Tracked { value: 0.0, error: 0.0 });
        assert_eq!(t(6.0).div(t(2.0)).error, 0.0);
        assert!(t(1.0).div(t(3.0)).error > 0.0);
        // 0.1 + 0.2 - 0.3 may be zero.
        assert!(!t(0.1).add(t(0.2)).add(t(-0.3)).is_nonzero());
        assert!(t(0.1).add(t(0.2)).add(t(-0.3001)).is_nonzero());
        assert!(same_product(0.1, 0.6, 0.2, 0.3));
        assert!(!same_product(0.1, 0.9, 0.3, 0.3));
    }
}
