//! Small energies of every family, and what holds of all of them.

use gibbsite::energy::couplings::EdgeError;
use gibbsite::energy::ising::{Boundary, on_lattice};
use gibbsite::energy::{
    Boltzmann, Bridge, Discrete, Energy, Independent, Parametric, Potts, Rbm, Scaled, logits_by_energies, n_logits,
};
use gibbsite::points::{Matrix, Points, Space, Values};

/// The Boltzmann machine of the list of references: `W_ij = scale sin(1.7 i j)`, `b_i = cos(2.3 i) / 2`, bits.
pub fn boltzmann(d: usize, scale: f64) -> Boltzmann {
    let weight = |i: usize, j: usize| scale * (1.7 * (i * j) as f64).sin();
    let pairs = (1..=d).flat_map(|i| (i + 1..=d).map(move |j| (i, j)));
    let edges: Vec<_> = pairs.map(|(i, j)| (i - 1, j - 1, weight(i, j))).collect();
    Boltzmann::new(&Values::bits(), &edges, (1..=d).map(|i| 0.5 * (2.3 * i as f64).cos()).collect()).unwrap()
}

/// The restricted machine of that list.
pub fn rbm(n_visible: usize, n_hidden: usize, scale: f64) -> Rbm {
    let w = |i: usize, j: usize| scale * (0.37 * ((i + 1) * (j + 1)) as f64 + 0.11 * (i + 1) as f64).sin();
    let visible = (1..=n_visible).map(|i| 0.3 * (1.3 * i as f64).cos()).collect();
    let hidden = (1..=n_hidden).map(|j| 0.2 * (0.7 * j as f64).sin()).collect();
    Rbm::binary(Matrix::from_fn(n_visible, n_hidden, w), visible, hidden)
}

/// One with visible units of three and two values.
pub fn categorical_rbm() -> Rbm {
    let visible = vec![Values::count(3), Values::bits(), Values::count(3)];
    let w = Matrix::from_fn(5, 2, |i, j| (1.3 * (i as f64 + 1.0) + 2.1 * j as f64).sin());
    Rbm::new(visible, w, vec![0.2, -0.4, 0.1, 0.5, -0.3], vec![0.3, -0.2])
}

/// Potts on a triangle with a tail, couplings of both signs, and a field.
pub fn potts(q: usize) -> Potts {
    let edges = [(0, 1, 0.8), (1, 2, -0.6), (0, 2, 0.5), (2, 3, 0.9)];
    Potts::new(&edges, Matrix::from_fn(4, q, |i, c| 0.3 * ((i + 2 * c) as f64).sin())).unwrap()
}

/// Spins with couplings of both signs and fields.
pub fn spins() -> Boltzmann {
    let edges = [(0, 1, 0.7), (1, 2, -0.5), (2, 3, 0.4), (0, 3, 0.3), (1, 3, 0.6), (3, 4, -0.8)];
    Boltzmann::new(&Values::spins(), &edges, vec![0.3, -0.2, 0.0, 0.1, 0.25]).unwrap()
}

/// All states of a small space.
pub fn all_states(space: &Space) -> Points {
    let n = space.n_states() as usize;
    let mut stride = 1;
    let mut x = Points::from_labels(Matrix::new(n, space.labels.len()));
    for (site, values) in space.labels.iter().enumerate() {
        for i in 0..n {
            x.label.set(i, site, (i / stride % values.arity()) as u8);
        }
        stride *= values.arity();
    }
    x
}

/// What labels are told agrees with the energies, block by block and all at once; rows are alone.
fn conforms(name: &str, energy: &dyn Discrete) {
    let (x, space) = (all_states(energy.space()), energy.space());
    let all: Vec<usize> = (0..space.labels.len()).collect();
    let mut covered = vec![0; space.labels.len()];
    for sites in energy.blocks().iter().chain([&all, &vec![0, all.len() - 1]]) {
        let columns = n_logits(space, sites);
        let (mut own, mut expected) = (Matrix::new(x.n(), columns), Matrix::new(x.n(), columns));
        energy.logits(&x, sites, &mut own);
        logits_by_energies(energy, &x, sites, &mut expected);
        for (own, expected) in own.as_slice().iter().zip(expected.as_slice()) {
            assert!((own - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{name}: {own} {expected}");
        }
        let mut alone = Matrix::new(1, columns);
        energy.logits(&x.rows(3, 1), sites, &mut alone);
        assert_eq!(alone.row(0), own.row(3), "{name}");
    }
    energy.blocks().iter().flatten().for_each(|s| covered[*s] += 1);
    assert!(covered.iter().all(|n| *n == 1), "{name}: {covered:?}");
    // Labels of one block do not look at each other.
    for block in energy.blocks().iter().filter(|b| b.len() > 1) {
        let mut y = x.clone();
        let (mut before, mut after) =
            (Matrix::new(x.n(), n_logits(space, &block[..1])), Matrix::new(x.n(), n_logits(space, &block[..1])));
        y.label.col_mut(block[1]).fill(0);
        energy.logits(&x, &block[..1], &mut before);
        energy.logits(&y, &block[..1], &mut after);
        let far = before.as_slice().iter().zip(after.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < 1e-12, "{name}: {far}");
    }
}

#[test]
fn labels_are_told_what_energies_say() {
    conforms("boltzmann", &boltzmann(5, 1.0));
    conforms("spins", &spins());
    conforms("ising", &on_lattice(&[3, 4], Boundary::Periodic, [0.4, 1.0, 0.2]));
    conforms("open ising", &on_lattice(&[2, 2, 2], Boundary::Open, [0.4, -1.0, 0.0]));
    conforms("potts 2", &potts(2));
    conforms("potts 4", &potts(4));
    conforms("rbm", &rbm(4, 3, 1.0));
    conforms("categorical rbm", &categorical_rbm());
    conforms("marginal", &rbm(4, 3, 1.0).marginal());
    conforms("categorical marginal", &categorical_rbm().marginal());
    let base =
        Independent::new(potts(3).space().clone(), &[1.0, 2.0, 3.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 0.1]);
    conforms("independent", &base);
    conforms("scaled", &Scaled::new(potts(3), 0.3));
    conforms("bridge", &Bridge::new(&base, &potts(3), 0.4));
}

/// Slopes of a marginal are its derivatives in the rows.
#[test]
fn slopes_are_first_order() {
    let rbm = rbm(4, 3, 1e-4);
    let (x, marginal) =
        (all_states(&Space { labels: rbm.space().labels[..4].to_vec(), ..Space::default() }), rbm.marginal());
    let (mut slopes, mut exact) = (Matrix::new(16, 4), Matrix::new(16, 4));
    marginal.slopes(&x, &mut slopes);
    marginal.logits(&x, &[0, 1, 2, 3], &mut exact);
    // What is left is of second order in the weights.
    for (a, b) in slopes.as_slice().iter().zip(exact.as_slice()) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
}

/// A joint energy, its hidden units summed out by hand, is the marginal.
#[test]
fn the_marginal_is_the_joint_energy_summed() {
    let rbm = categorical_rbm();
    let (joint, marginal) = (all_states(rbm.space()), rbm.marginal());
    let mut e = vec![0.0; joint.n()];
    rbm.energy(&joint, &mut e);
    let n = marginal.space().n_states() as usize;
    let v = all_states(marginal.space());
    let mut free = vec![0.0; n];
    marginal.energy(&v, &mut free);
    for (i, free) in free.iter().enumerate() {
        let sum: f64 = (0..4).map(|h| (-e[i + n * h]).exp()).sum();
        assert!((free + sum.ln()).abs() < 1e-13);
    }
}

/// dE/dtheta against differences, and features against weighted sums.
#[test]
fn gradients_in_theta_are_those_of_the_energy() {
    fn check<E: Parametric + Clone>(name: &str, energy: &E) {
        let x = all_states(energy.space());
        let w: Vec<f64> = (0..x.n()).map(|i| ((i * 7 % 5) as f64 - 1.7) / 3.0).collect();
        let (mut theta, mut grad) = (vec![0.0; energy.n_theta()], vec![0.0; energy.n_theta()]);
        energy.read_theta(&mut theta);
        energy.grad_theta(&x, &w, &mut grad);
        assert_eq!(energy.theta_names().len(), theta.len());
        let mut features = Matrix::new(x.n(), theta.len());
        energy.theta_features(&x, &mut features);
        let total = |theta: &[f64]| {
            let (mut moved, mut e) = (energy.clone(), vec![0.0; x.n()]);
            moved.set_theta(theta);
            assert_ne!(moved.version(), energy.version());
            moved.energy(&x, &mut e);
            e.iter().zip(&w).map(|(e, w)| e * w).sum::<f64>()
        };
        for k in 0..theta.len() {
            let at = |h: f64| {
                let mut theta = theta.clone();
                theta[k] += h;
                total(&theta)
            };
            let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
            assert!(
                (grad[k] - difference).abs() < 1e-8 * (1.0 + difference.abs()),
                "{name} {k}: {} {difference}",
                grad[k]
            );
            let by_features: f64 = features.col(k).iter().zip(&w).map(|(f, w)| f * w).sum();
            assert!((grad[k] - by_features).abs() < 1e-10, "{name} {k}");
        }
    }
    check("boltzmann", &boltzmann(4, 1.0));
    check("spins", &spins());
    check("rbm", &rbm(3, 2, 1.0));
    check("categorical rbm", &categorical_rbm());
    let rbm = categorical_rbm();
    let x = all_states(rbm.marginal().space());
    let w: Vec<f64> = (0..x.n()).map(|i| (i as f64).sin()).collect();
    let (mut theta, mut grad) = (vec![0.0; rbm.n_theta()], vec![0.0; rbm.n_theta()]);
    rbm.read_theta(&mut theta);
    rbm.marginal().grad_theta(&x, &w, &mut grad);
    for k in 0..theta.len() {
        let at = |h: f64| {
            let (mut moved, mut theta, mut e) = (rbm.clone(), theta.clone(), vec![0.0; x.n()]);
            theta[k] += h;
            moved.set_theta(&theta);
            moved.marginal().energy(&x, &mut e);
            e.iter().zip(&w).map(|(e, w)| e * w).sum::<f64>()
        };
        let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
        assert!((grad[k] - difference).abs() < 1e-8 * (1.0 + difference.abs()), "{k}: {} {difference}", grad[k]);
    }
}

#[test]
fn couplings_that_make_no_energy_are_refused() {
    let of = |edges: &[(usize, usize, f64)]| Boltzmann::new(&Values::spins(), edges, vec![0.0; 3]).unwrap_err();
    assert_eq!(of(&[(0, 3, 1.0)]), EdgeError::Site { a: 0, b: 3, d: 3 });
    assert_eq!(of(&[(1, 1, 1.0)]), EdgeError::Loop { site: 1 });
    assert_eq!(of(&[(0, 1, 1.0), (1, 2, 1.0), (1, 0, 2.0)]), EdgeError::Twice { a: 0, b: 1 });
    assert!(matches!(of(&[(0, 1, f64::NAN)]), EdgeError::NotFinite { a: 0, b: 1, .. }));
    assert_eq!(of(&[(0, 3, 1.0)]).to_string(), "the coupling between 1 and 4 needs more than the 3 sites there are");
}
