//! Kernels leave exact draws as they are, state by state; broken twins do not.

use gibbsite::energy::{Bridge, Discrete, Energy, Independent, Scaled};
use gibbsite::kernel::{ChainState, Gibbs, Gwg, Info, Kernel, SwendsenWang, Wolff};
use gibbsite::logz::enumeration::state_probabilities;
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};

use super::energies::{all_states, boltzmann, categorical_rbm, potts, rbm, spins};

const N: usize = 60_000;

/// Chains of a block.
const BLOCK: usize = 100;

/// Pearson's statistic of `N` chains that began with exact draws and took `n_steps`, in standard deviations from its mean.
fn excess<E: Energy + ?Sized, K: Kernel<E>>(energy: &E, kernel: &K, n_steps: u64, seed: u64) -> f64 {
    run(energy, kernel, n_steps, seed).0
}

/// The excess, and whether the energies that chains know are those of where they are.
fn run<E: Energy + ?Sized, K: Kernel<E>>(energy: &E, kernel: &K, n_steps: u64, seed: u64) -> (f64, bool) {
    let (p, states) = (state_probabilities(energy).unwrap(), all_states(energy.space()));
    let arities: Vec<usize> = energy.space().labels.iter().map(|v| v.arity()).collect();
    let (mut count, mut is_fresh) = (vec![0.0; p.len()], true);
    let mut start = Streams::new(seed, Run::Pilot);
    let u: Vec<f64> = start.uniforms(Purpose::Init, N, 1).col(0).to_vec();
    for (block, u) in u.chunks(BLOCK).enumerate() {
        let mut rows = Vec::new();
        for u in u {
            let mut left = *u;
            let found = p.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            rows.push(found.unwrap_or(p.len() - 1));
        }
        let x = Points::from_labels(Matrix::from_fn(rows.len(), arities.len(), |i, j| states.label.get(rows[i], j)));
        let mut streams = Streams::new(seed, Run::Draws).block(block * BLOCK);
        let mut state = kernel.init(energy, x);
        kernel.steps(energy, &mut state, &mut streams, n_steps);
        let mut fresh = vec![0.0; rows.len()];
        energy.energy(state.x(), &mut fresh);
        is_fresh &= state.energy() == fresh;
        for i in 0..rows.len() {
            let mut index = 0;
            for (j, arity) in arities.iter().enumerate().rev() {
                index = index * arity + usize::from(state.x().label.get(i, j));
            }
            count[index] += 1.0;
        }
    }
    // States that are expected less than five times count as one.
    let (mut statistic, mut n_cells, mut rare) = (0.0, 0.0, [0.0, 0.0]);
    for (p, count) in p.iter().zip(&count) {
        let expected = p * N as f64;
        if expected < 5.0 {
            rare = [rare[0] + expected, rare[1] + count];
        } else {
            statistic += (count - expected).powi(2) / expected;
            n_cells += 1.0;
        }
    }
    if rare[0] > 5.0 {
        statistic += (rare[1] - rare[0]).powi(2) / rare[0];
        n_cells += 1.0;
    }
    let freedom: f64 = n_cells - 1.0;
    ((statistic - freedom) / (2.0 * freedom).sqrt(), is_fresh)
}

fn leaves_alone<E: Energy + ?Sized, K: Kernel<E>>(name: &str, energy: &E, kernel: &K) {
    let (z, is_fresh) = run(energy, kernel, 5, 1);
    println!("{name}: {z:.2}");
    assert!(z.abs() < 5.0 && is_fresh, "{name}: {z}");
}

fn by_sites<E: Discrete>(name: &str, energy: &E) {
    leaves_alone(&format!("gibbs {name}"), energy, &Gibbs);
    leaves_alone(&format!("gwg {name}"), energy, &Gwg);
}

#[test]
fn sites_and_blocks_are_left_alone() {
    by_sites("boltzmann", &boltzmann(6, 1.0));
    by_sites("spins", &spins());
    by_sites("potts", &potts(3));
    by_sites("rbm", &rbm(4, 3, 1.0));
    by_sites("categorical rbm", &categorical_rbm());
    by_sites("marginal", &rbm(6, 4, 1.5).marginal());
    by_sites("categorical marginal", &categorical_rbm().marginal());
    by_sites("scaled", &Scaled::new(potts(3), 0.5));
    let base = Independent::new(spins().space().clone(), &[1.0, 2.0, 3.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0]);
    by_sites("bridge", &Bridge::new(&base, &spins(), 0.6));
}

#[test]
fn clusters_are_left_alone() {
    leaves_alone("swendsen-wang spins", &spins(), &SwendsenWang);
    leaves_alone("wolff spins", &spins(), &Wolff);
    leaves_alone("swendsen-wang bits", &boltzmann(6, 1.0), &SwendsenWang);
    leaves_alone("wolff bits", &boltzmann(6, 1.0), &Wolff);
    leaves_alone("swendsen-wang potts", &potts(3), &SwendsenWang);
    leaves_alone("wolff potts", &potts(3), &Wolff);
}

/// A kernel for an energy that is not the target.
struct Other<'a, K, E>(K, &'a E);

impl<T: Energy + ?Sized, K: Kernel<E>, E: Energy> Kernel<T> for Other<'_, K, E> {
    type State = K::State;

    fn init(&self, _: &T, x: Points) -> K::State {
        self.0.init(self.1, x)
    }

    fn step(&self, energy: &T, state: &mut K::State, rng: &mut Streams) -> Info {
        let info = self.0.step(self.1, state, rng);
        Kernel::<T>::refresh(self, energy, state);
        info
    }

    fn refresh(&self, _: &T, state: &mut K::State) {
        self.0.refresh(self.1, state);
    }
}

/// A Gibbs sampler that draws two coupled labels at once.
struct AllAtOnce(gibbsite::energy::Boltzmann, Vec<Vec<usize>>);

impl Energy for AllAtOnce {
    fn space(&self) -> &gibbsite::points::Space {
        self.0.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.0.energy(x, out);
    }
}

impl gibbsite::energy::Differentiable for AllAtOnce {
    fn energy_grad(&self, x: &Points, e: &mut [f64], _: &mut Matrix<f64>) {
        self.0.energy(x, e);
    }
}

impl Discrete for AllAtOnce {
    fn blocks(&self) -> &[Vec<usize>] {
        &self.1
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        self.0.logits(x, sites, out);
    }
}

#[test]
fn broken_twins_are_found_out() {
    let all_at_once = AllAtOnce(spins(), vec![vec![0, 1, 2, 3, 4]]);
    assert!(excess(&all_at_once, &Gibbs, 5, 1) > 100.0);
    // Temperatures, fields and couplings that are not those of the target.
    let warm = Scaled::new(potts(3), 0.8);
    assert!(excess(&potts(3), &Other(Gibbs, &warm), 5, 1) > 50.0);
    let no_field =
        gibbsite::energy::Potts::new(&[(0, 1, 0.8), (1, 2, -0.6), (0, 2, 0.5), (2, 3, 0.9)], Matrix::new(4, 3));
    let no_field = no_field.unwrap();
    for z in [
        excess(&potts(3), &Other(SwendsenWang, &no_field), 5, 1),
        excess(&potts(3), &Other(Wolff, &no_field), 5, 1),
        excess(&potts(3), &Other(Gwg, &warm), 20, 1),
    ] {
        assert!(z > 20.0, "{z}");
    }
}
