//! The Ising model on a torus without field, exactly (Kaufman 1949, "Crystal statistics. II", Phys. Rev. 76, 1232).
//!
//! For m rows of n spins and the coupling `K = beta J`, with `s = sinh 2K` (Ferdinand and Fisher 1969, "Bounded and
//! inhomogeneous Ising models. I", Phys. Rev. 185, 832),
//!
//! ```text
//! Z = 1/2 (2 s)^(mn/2) [C_odd + S_odd + C_even + S_even],
//! C = prod_l 2 cosh(m g_l / 2),   S = prod_l 2 sinh(m g_l / 2),
//! cosh g_l = s + 1/s - cos(pi l / n),   g_0 = 2K + ln tanh K,   l = 1, 3, ..., 2n - 1  or  l = 0, 2, ..., 2n - 2.
//! ```
//!
//! Only `g_0` changes its sign, at the critical point; there S_even passes through zero. Written with `T = S / C`, a
//! product of `tanh(m g_l / 2) = (1 - w_l) / (1 + w_l)`, `w_l = exp(-m |g_l|)`, nothing overflows and no large terms
//! cancel: the bracket is `C_odd [(1 + T_odd) + (C_even / C_odd) (1 + T_even)]`. As g is the same for s and 1/s, all is
//! computed from `eps = min(s, 1/s)`, with `y = eps exp |g|` finite at both ends of the range.
//!
//! A coupling K < 0 on even sizes is K > 0 with every other spin turned over. Where n alone is odd, this leaves a seam
//! of turned couplings, for which the two signs of T are minus instead of plus (the spin flip is even where it was
//! odd).

use std::f64::consts::{LN_2, PI};
use std::ops::{Add, Mul, Sub};

use thiserror::Error;

use super::LogZ;
use crate::math;

/// Largest size of an axis.
const MAX_SIZE: usize = 1 << 24;

/// Below this, what is left of the four products has lost digits to underflow.
const LEAST: f64 = 1e-280;

/// What is known of the Ising model on a torus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Torus {
    /// log Z.
    pub log_z: f64,
    /// Mean energy of a spin in units of J, `-(d log Z / dK) / N`.
    pub energy: f64,
    /// Heat capacity of a spin, `K^2 (d^2 log Z / dK^2) / N`.
    pub heat_capacity: f64,
}

/// Why Kaufman's formula does not serve.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TorusError {
    /// An axis of fewer than two sites, or of too many.
    #[error("Kaufman's formula is for 2 to {MAX_SIZE} sites along each axis, not {} x {}", .sizes[0], .sizes[1])]
    Size {
        /// Sizes asked for.
        sizes: [usize; 2],
    },
    /// A coupling that is NaN or infinite.
    #[error("the coupling K = beta J is {k}")]
    Coupling {
        /// K.
        k: f64,
    },
    /// Antiferromagnetic couplings that an odd size frustrates more than the formula can follow.
    #[error(
        "the coupling K = {k} is negative and the torus of {} x {} has an odd size: what remains of Kaufman's four \
         products is lost in rounding", .sizes[0], .sizes[1]
    )]
    Frustrated {
        /// Sizes of the torus.
        sizes: [usize; 2],
        /// K.
        k: f64,
    },
}

impl Torus {
    /// The model with `sizes` sites along both axes and the coupling `k`, which is `beta J`; as in
    /// [`crate::energy::ising::lattice`], an axis of two sites couples them twice.
    ///
    /// # Errors
    /// [`TorusError::Size`] for an axis of one site; [`TorusError::Coupling`]; [`TorusError::Frustrated`] for `k` < 0
    /// where both sizes are odd, or where one is and Z is less than 1e-280 of what it is without frustration.
    pub fn new(sizes: [usize; 2], k: f64) -> Result<Self, TorusError> {
        if sizes.iter().any(|size| !(2..=MAX_SIZE).contains(size)) {
            return Err(TorusError::Size { sizes });
        }
        if !k.is_finite() {
            return Err(TorusError::Coupling { k });
        }
        // m rows of n spins: a seam across the odd size, if there is one, and else as few modes as possible.
        let odd = sizes.map(|size| size % 2 == 1);
        let seam = k < 0.0 && odd != [false, false];
        let first_is_n = if seam { odd[0] } else { sizes[0] < sizes[1] };
        let [n, m] = if first_is_n { sizes } else { [sizes[1], sizes[0]] };
        if seam && m % 2 == 1 {
            return Err(TorusError::Frustrated { sizes, k });
        }
        let n_spins = n as f64 * m as f64;
        let coupling = Coupling::new(k.abs());
        let [odd, even] = [1, 0].map(|first| Sector::new(first, n, m, &coupling));
        let what_of = |s: &Sector| if seam { s.one_minus_t } else { Jet::constant(1.0) + s.t };
        let sum = what_of(&odd) + (even.log_c - odd.log_c).exp() * what_of(&even);
        if !(sum.0[0] > LEAST) {
            return Err(TorusError::Frustrated { sizes, k });
        }
        let Jet([log_z, first, second]) = coupling.log_scale * n_spins + odd.log_c + sum.ln();
        let energy = -first * k.signum() / n_spins;
        Ok(Self { log_z: log_z - LN_2, energy, heat_capacity: k * (k * second) / n_spins })
    }

    /// log Z, exact up to rounding.
    pub fn to_log_z(&self) -> LogZ {
        LogZ::exact(self.log_z, 1e-13 * self.log_z.abs(), "kaufman", 0)
    }
}

/// What all modes share of the coupling K >= 0.
struct Coupling {
    /// `min(s, 1/s)` for `s = sinh 2K`.
    eps: Jet,
    /// What y lacks: `ln max(1, s^2) / 2` a spin.
    log_scale: Jet,
    /// The sign of `g_0`: -1 above the critical temperature.
    sign: f64,
}

impl Coupling {
    fn new(k: f64) -> Self {
        let s = math::sinh(2.0 * k);
        if s < 1.0 {
            let eps = Jet([s, 2.0 * math::cosh(2.0 * k), 4.0 * s]);
            return Self { eps, log_scale: Jet::constant(0.0), sign: -1.0 };
        }
        // ln s and its derivatives, 2 coth 2K and -4 / s^2, without overflow.
        let two_k = Jet([2.0 * k, 2.0, 0.0]);
        let log_s = two_k + (Jet::constant(1.0) - (two_k * -2.0).exp()).ln() + Jet::constant(-LN_2);
        Self { eps: (log_s * -1.0).exp(), log_scale: log_s, sign: 1.0 }
    }
}

/// The modes of odd or of even l.
struct Sector {
    /// log C, without the scale that is common to all modes.
    log_c: Jet,
    /// T, and 1 - T without cancellation.
    t: Jet,
    one_minus_t: Jet,
}

impl Sector {
    fn new(first: usize, n: usize, m: usize, coupling: &Coupling) -> Self {
        let one = Jet::constant(1.0);
        let mut sector = Self { log_c: Jet::constant(0.0), t: one, one_minus_t: Jet::constant(0.0) };
        for l in (first..2 * n).step_by(2) {
            let y = y(l as f64 * PI / n as f64, coupling.eps);
            let w = (coupling.eps * y.recip()).powi(m as i32);
            let plus = one + w;
            sector.log_c = sector.log_c + (y * 2.0).ln() * (0.5 * m as f64) + plus.ln();
            // 1 - prod t = sum_l (1 - t_l) prod_{k<l} t_k.
            let (tanh, rest) = ((one - w) * plus.recip(), w * plus.recip() * 2.0);
            let (tanh, rest) =
                if l == 0 && coupling.sign < 0.0 { (tanh * -1.0, plus.recip() * 2.0) } else { (tanh, rest) };
            sector.one_minus_t = sector.one_minus_t + sector.t * rest;
            sector.t = sector.t * tanh;
        }
        sector
    }
}

/// `y = eps exp |g|`, of `eps (cosh g -+ 1) = (1 - eps)^2 + v` and `1 + eps^2 + v` with `v = 2 eps sin^2(angle / 2)`.
fn y(angle: f64, eps: Jet) -> Jet {
    let one = Jet::constant(1.0);
    let (gap, sum) = (one - eps, one + eps * eps);
    if angle == 0.0 {
        return gap * gap + eps + gap * sum.sqrt();
    }
    let v = eps * (2.0 * math::sin(0.5 * angle).powi(2));
    let below = gap * gap + v;
    below + eps + (below * (sum + v)).sqrt()
}

/// A function of K with its first and second derivative.
#[derive(Clone, Copy, Debug)]
struct Jet([f64; 3]);

impl Jet {
    fn constant(value: f64) -> Self {
        Self([value, 0.0, 0.0])
    }

    /// f of this, given f and its derivatives there.
    fn chain(self, f: [f64; 3]) -> Self {
        let [_, first, second] = self.0;
        Self([f[0], f[1] * first, f[1] * second + f[2] * first * first])
    }

    fn exp(self) -> Self {
        self.chain([math::exp(self.0[0]); 3])
    }

    fn ln(self) -> Self {
        let inv = 1.0 / self.0[0];
        self.chain([math::ln(self.0[0]), inv, -inv * inv])
    }

    fn recip(self) -> Self {
        let inv = 1.0 / self.0[0];
        self.chain([inv, -inv * inv, 2.0 * inv * inv * inv])
    }

    fn sqrt(self) -> Self {
        let root = self.0[0].sqrt();
        self.chain([root, 0.5 / root, -0.25 / (root * self.0[0])])
    }

    /// For n of at least 2.
    fn powi(self, n: i32) -> Self {
        let (x, power) = (self.0[0], math::powi(self.0[0], n - 2));
        let n = f64::from(n);
        self.chain([power * x * x, n * power * x, n * (n - 1.0) * power])
    }
}

impl Add for Jet {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self([0, 1, 2].map(|i| self.0[i] + other.0[i]))
    }
}

impl Sub for Jet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + other * -1.0
    }
}

impl Mul for Jet {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let ([a, a1, a2], [b, b1, b2]) = (self.0, other.0);
        Self([a * b, a * b1 + a1 * b, a * b2 + 2.0 * a1 * b1 + a2 * b])
    }
}

impl Mul<f64> for Jet {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self(self.0.map(|v| v * factor))
    }
}
