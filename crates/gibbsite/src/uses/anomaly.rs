//! How strange is a point? The share of the model's own draws that have an energy at least as high.

/// p-values of `energies` under the model, from the energies of independent draws of it: `(1 + #{E_i >= e}) / (n + 1)`,
/// which is never 0 and holds its level for any number of draws (Davison and Hinkley 1997, eq. 4.11). NaN energies have
/// NaN p-values. Their Monte-Carlo error is `sqrt(p (1 - p) / n)`.
pub fn p_values(draw_energies: &[f64], energies: &[f64]) -> Vec<f64> {
    let mut sorted = draw_energies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let p = |e: &f64| (1 + n - sorted.partition_point(|d| d < e)) as f64 / (n + 1) as f64;
    energies.iter().map(|e| if e.is_nan() { f64::NAN } else { p(e) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::energy::formula::Formula;
    use crate::kernel::grid::Grid;

    /// For N(0, 1): P(|X| >= x), within four Monte-Carlo errors.
    #[test]
    fn a_gaussian_has_its_two_sided_tail() {
        let energy = Formula::parse("x^2/2").unwrap();
        let draws = Grid::new(&energy).unwrap().sample(100_000, 1).unwrap();
        let mut e = vec![0.0; draws.n()];
        energy.energy(&draws, &mut e);
        let x = [0.0f64, 0.5, 1.0, 1.959_963_985, 3.0];
        for (x, p) in x.into_iter().zip(p_values(&e, &x.map(|x| x * x / 2.0))) {
            let exact = 1.0 - crate::math::erf(x / std::f64::consts::SQRT_2);
            assert!((p - exact).abs() < 4.0 * (exact * (1.0 - exact) / 1e5).sqrt() + 1e-5, "{x}: {p} against {exact}");
        }
        assert_eq!(p_values(&e, &[f64::INFINITY]), [1.0 / 100_001.0]);
        assert!(p_values(&e, &[f64::NAN])[0].is_nan());
    }
}
