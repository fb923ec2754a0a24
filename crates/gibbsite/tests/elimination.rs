//! Variable elimination against enumeration, references and its own draws.

use gibbsite::energy::ising::{Boundary, lattice, on_lattice};
use gibbsite::energy::{Boltzmann, Energy, Potts};
use gibbsite::logz::elimination::{self, Elimination, EliminationError, Factors, MAX_ENTRIES, Order};
use gibbsite::points::{Matrix, Points, Values};
use gibbsite::rng::{Run, Streams};
use proptest::prelude::*;
use proptest::sample::subsequence;

const CRITICAL: f64 = 0.44068679350977147;

fn close(what: &str, ours: f64, truth: f64, tol: f64) {
    assert!((ours - truth).abs() <= tol * truth.abs().max(1.0), "{what}: {ours} is not {truth}");
}

fn eliminate(factors: impl Into<Factors>) -> Elimination {
    Elimination::new(factors.into(), MAX_ENTRIES).unwrap()
}

/// All states, the last site fastest.
fn states(arity: &[usize]) -> Matrix<u8> {
    let n = arity.iter().product();
    Matrix::from_fn(n, arity.len(), |i, j| (i / arity[j + 1..].iter().product::<usize>() % arity[j]) as u8)
}

/// log Z, the probability of each value of each site, and the mean energy, by a sum over all states.
fn enumerate(arity: &[usize], e: &[f64]) -> (f64, Vec<Vec<f64>>, f64) {
    let x = states(arity);
    let low = e.iter().copied().fold(f64::INFINITY, f64::min);
    let z: f64 = e.iter().map(|e| (low - e).exp()).sum();
    let mut sites: Vec<Vec<f64>> = arity.iter().map(|a| vec![0.0; *a]).collect();
    let mut energy = 0.0;
    for (i, e) in e.iter().enumerate().filter(|(_, e)| **e < f64::INFINITY) {
        let p = (low - e).exp() / z;
        energy += p * e;
        (0..arity.len()).for_each(|j| sites[j][usize::from(x.get(i, j))] += p);
    }
    (z.ln() - low, sites, energy)
}

fn agrees_with_enumeration(factors: Factors, e: &[f64]) {
    let (log_z, sites, energy) = enumerate(factors.arity(), e);
    close("log Z alone", elimination::log_z(&factors, MAX_ENTRIES).unwrap().value, log_z, 1e-13);
    let exact = eliminate(factors);
    close("log Z", exact.log_z(), log_z, 1e-13);
    let marginals = exact.marginals();
    close("energy", marginals.mean_energy, energy, 1e-12);
    for (ours, truth) in marginals.sites.iter().flatten().zip(sites.iter().flatten()) {
        close("marginal", *ours, *truth, 1e-12);
    }
}

fn energies<E: Energy>(energy: &E) -> Vec<f64> {
    let arity: Vec<usize> = energy.space().labels.iter().map(Values::arity).collect();
    let x = Points::from_labels(states(&arity));
    let mut e = vec![0.0; x.n()];
    energy.energy(&x, &mut e);
    e
}

/// Couplings between some of the pairs of `d` sites.
fn edges(d: usize) -> impl Strategy<Value = Vec<(usize, usize, f64)>> {
    let pairs: Vec<(usize, usize)> = (0..d).flat_map(|a| (0..a).map(move |b| (b, a))).collect();
    let n = pairs.len();
    proptest::collection::vec(proptest::option::weighted(0.4, -3.0..3.0), n)
        .prop_map(move |w| pairs.iter().zip(w).filter_map(|(&(a, b), w)| w.map(|w| (a, b, w))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn machines_of_two_values(edges in edges(9), bias in proptest::collection::vec(-2.0..2.0, 9), spins: bool) {
        let values = if spins { Values::spins() } else { Values::bits() };
        let energy = Boltzmann::new(&values, &edges, bias).unwrap();
        agrees_with_enumeration(Factors::from(&energy), &energies(&energy));
    }

    #[test]
    fn potts_of_three_colours(edges in edges(6), field in proptest::collection::vec(-2.0..2.0, 18)) {
        let energy = Potts::new(&edges, Matrix::from_columns(6, 3, field)).unwrap();
        agrees_with_enumeration(Factors::from(&energy), &energies(&energy));
    }

    /// Factors of up to three sites in any order, sites of one to four values, and states that are forbidden.
    #[test]
    fn any_factors(
        arity in proptest::collection::vec(1usize..5, 6),
        scopes in proptest::collection::vec((subsequence((0..6).collect::<Vec<usize>>(), 0..=3), any::<bool>()), 1..9),
        entries in proptest::collection::vec(prop_oneof![9 => -3.0..3.0, 1 => Just(f64::NEG_INFINITY)], 64 * 8),
    ) {
        let x = states(&arity);
        let mut e = vec![0.0; x.n_rows()];
        let mut factors = Factors::new(arity.clone());
        for ((mut sites, reverse), entries) in scopes.into_iter().zip(entries.chunks(64)) {
            if reverse {
                sites.reverse();
            }
            let len = sites.iter().map(|s| arity[*s]).product();
            for (i, e) in e.iter_mut().enumerate() {
                let at = sites.iter().fold(0, |at, s| at * arity[*s] + usize::from(x.get(i, *s)));
                *e -= entries[at];
            }
            factors.push(&sites, entries[..len].to_vec());
        }
        if e.iter().all(|e| *e == f64::INFINITY) {
            prop_assert!(matches!(Elimination::new(factors, MAX_ENTRIES), Err(EliminationError::Empty)));
        } else {
            agrees_with_enumeration(factors, &e);
        }
    }
}

#[test]
fn shared_references() {
    let root = std::env::var_os("GIBBSITE_SHARED")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into(), std::path::PathBuf::from);
    let Ok(text) = std::fs::read_to_string(root.join("refs/exact_refs.json")) else {
        println!("skipped: no references in {}", root.display());
        return;
    };
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = json["ising_free_boundary_transfer_matrix"].as_array().unwrap();
    assert!(rows.len() >= 16);
    for row in rows {
        let (size, beta) = (row["L"].as_u64().unwrap() as usize, row["beta"].as_f64().unwrap());
        let truth: f64 = row["logZ"].as_str().unwrap().parse().unwrap();
        let factors = Factors::from(&on_lattice(&[size, size], Boundary::Open, [beta, 1.0, 0.0]));
        let ours = elimination::log_z(&factors, MAX_ENTRIES).unwrap();
        assert!(
            ours.exact && (ours.value - truth).abs() <= 2e-13 * truth,
            "{size}, {beta}: {} is not {truth}",
            ours.value
        );
    }
}

/// The mean energy is the slope of log Z in beta.
#[test]
fn energy_is_a_slope() {
    let at = |beta: f64| eliminate(&on_lattice(&[9, 14], Boundary::Open, [beta, 1.0, 0.2]));
    let h = 1e-4;
    let slope = (at(0.5 + h).log_z() - at(0.5 - h).log_z()) / (2.0 * h);
    close("energy", at(0.5).marginals().mean_energy / 0.5, -slope, 1e-7);
}

/// Chains by their transfer matrix, in whichever order their sites stand.
#[test]
fn long_chains() {
    let d = 3000;
    let place = |k: usize| k * 1777 % d;
    let edges: Vec<_> = (0..d - 1).map(|k| (place(k), place(k + 1), 0.7)).collect();
    let energy = Potts::new(&edges, Matrix::new(d, 3)).unwrap();
    let exact = eliminate(&energy);
    close("chain", exact.log_z(), 3f64.ln() + (d - 1) as f64 * (0.7f64.exp() + 2.0).ln(), 1e-14);
    assert_eq!((exact.order().width(), exact.order().largest_table()), (1, 3.0));
    let equal = 0.7f64.exp() / (0.7f64.exp() + 2.0);
    close("energy", exact.marginals().mean_energy, -0.7 * equal * (d - 1) as f64, 1e-12);
}

#[test]
fn widths() {
    let width = |sizes: &[usize], boundary| {
        let factors = Factors::from(&on_lattice(sizes, boundary, [1.0, 1.0, 0.0]));
        Order::new(&factors, MAX_ENTRIES).unwrap().width()
    };
    assert!((14..20).contains(&width(&[14, 14], Boundary::Open)));
    assert_eq!((width(&[3, 40], Boundary::Open), width(&[40, 3], Boundary::Open)), (3, 3));
    assert!(width(&[20, 100], Boundary::Open).max(width(&[100, 20], Boundary::Open)) <= 21);
    assert!(width(&[3, 40], Boundary::Periodic) <= 6);
    // A tree, and sites on their own.
    let tree: Vec<_> = (1..100).map(|k| (k / 3, k, 1.0)).collect();
    let tree = Factors::from(&Boltzmann::new(&Values::spins(), &tree, vec![0.0; 120]).unwrap());
    assert_eq!(Order::new(&tree, MAX_ENTRIES).unwrap().width(), 1);
    // Couplings of no weight couple nothing.
    let nothing = lattice(&[30, 30], Boundary::Periodic, 0.0);
    let nothing = Boltzmann::new(&Values::spins(), &nothing, vec![0.3; 900]).unwrap();
    close("independent", eliminate(&nothing).log_z(), 900.0 * (2.0 * 0.3f64.cosh()).ln(), 1e-14);
}

#[test]
fn refusals() {
    let wide = Factors::from(&on_lattice(&[60, 60], Boundary::Periodic, [0.4, 1.0, 0.0]));
    let e = elimination::log_z(&wide, MAX_ENTRIES).unwrap_err();
    let EliminationError::TooWide { width, entries, .. } = e else { panic!("{e}") };
    assert!(width > 26 && entries == 2f64.powi(width as i32));
    let dense: Vec<_> = (0..600).flat_map(|a| (0..a).map(move |b| (a, b, 0.01))).collect();
    let dense = Factors::from(&Boltzmann::new(&Values::bits(), &dense, vec![0.0; 600]).unwrap());
    assert!(matches!(elimination::log_z(&dense, MAX_ENTRIES), Err(EliminationError::TooWide { width: 599, .. })));
    // What a table may have, all of them may not.
    let lattice = Factors::from(&on_lattice(&[10, 10], Boundary::Open, [0.4, 1.0, 0.0]));
    assert!(elimination::log_z(&lattice, 1 << 10).is_ok());
    let e = Elimination::new(lattice.clone(), 1 << 10).unwrap_err();
    assert!(matches!(e, EliminationError::TooMany { entries, max_entries: 1024.0, .. } if entries > 1024.0), "{e}");
    let e = elimination::log_z(&lattice, 1000).unwrap_err();
    assert!(matches!(e, EliminationError::TooWide { width: 10, entries: 1024.0, max_entries: 1000.0 }), "{e}");
    assert_eq!(
        e.to_string(),
        "elimination has an induced width of at least 10: a table of 1.024e3 entries, where 1.000e3 are allowed"
    );
}

/// The largest z of all site probabilities, and those of the mean energy and of the share of equal neighbours.
fn z_scores<E: Energy>(energy: &E, exact: &Elimination, x: &Points) -> [f64; 2] {
    let n = x.n() as f64;
    let marginals = exact.marginals();
    let mut worst = 0.0f64;
    for (site, p) in marginals.sites.iter().enumerate() {
        for (v, p) in p.iter().enumerate() {
            let share = x.label.col(site).iter().filter(|label| usize::from(**label) == v).count() as f64 / n;
            worst = worst.max((share - p).abs() / (p * (1.0 - p) / n).sqrt());
        }
    }
    let mut e = vec![0.0; x.n()];
    energy.energy(x, &mut e);
    let mean = e.iter().sum::<f64>() / n;
    let variance = e.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [worst, (mean - marginals.mean_energy) / (variance / n).sqrt()]
}

/// The same draws with each site from another draw: right in every site, and wrong together.
fn torn(x: &Points) -> Points {
    let n = x.n();
    Points::from_labels(Matrix::from_fn(n, x.label.n_cols(), |i, j| x.label.get((i + 7 * j) % n, j)))
}

#[test]
fn draws() {
    let n = 20_000;
    let ising = on_lattice(&[12, 12], Boundary::Open, [CRITICAL, 1.0, 0.05]);
    let field = Matrix::from_fn(24, 3, |i, v| 0.1 * (i as f64 * 0.7).sin() * v as f64);
    let potts = Potts::new(&lattice(&[3, 8], Boundary::Periodic, 0.9), field).unwrap();
    check(&ising, &eliminate(&ising), n);
    check(&potts, &eliminate(&potts), n);

    fn check<E: Energy>(energy: &E, exact: &Elimination, n: usize) {
        let draw = |n| exact.sample(n, &mut Streams::new(3, Run::Draws));
        let x = draw(n);
        let [sites, together] = z_scores(energy, exact, &x);
        assert!(sites < 4.5 && together.abs() < 4.0, "z = {sites}, {together}");
        let [sites, together] = z_scores(energy, exact, &torn(&x));
        assert!(sites < 4.5 && together.abs() > 50.0, "torn: z = {sites}, {together}");
        // Rows are those of any other number of chains, from any block of them.
        assert_eq!(draw(100), x.rows(0, 100));
        assert_eq!(exact.sample(50, &mut Streams::new(3, Run::Draws).block(40)), x.rows(40, 50));
    }
}

/// Every state as often as it should be.
#[test]
fn draws_state_by_state() {
    let edges = [(0, 1, 1.0), (1, 2, -0.5), (0, 3, 0.7), (2, 3, 0.4), (1, 3, -1.0)];
    let energy = Potts::new(&edges, Matrix::from_fn(4, 3, |i, v| 0.2 * (i + v) as f64)).unwrap();
    let exact = eliminate(&energy);
    let n = 100_000;
    let x = exact.sample(n, &mut Streams::new(8, Run::Draws));
    let mut count = vec![0.0; 81];
    for i in 0..n {
        count[(0..4).fold(0, |at, j| 3 * at + usize::from(x.label.get(i, j)))] += 1.0;
    }
    let expected = energies(&energy).into_iter().map(|e| n as f64 * (-e - exact.log_z()).exp());
    let chi2: f64 = count.iter().zip(expected).map(|(c, e)| (c - e) * (c - e) / e).sum();
    // 80 degrees of freedom: mean 80, standard deviation 12.6.
    assert!(chi2 < 80.0 + 4.0 * 12.6 && chi2 > 80.0 - 4.0 * 12.6, "chi2 = {chi2}");
}

/// Impossible states are not drawn, and tables that are worked on by many threads have the bits of one.
#[test]
fn hard_constraints_and_threads() {
    let mut factors = Factors::new(vec![2; 30]);
    for site in 0..29 {
        factors.push(&[site, site + 1], vec![0.0, 0.0, 0.0, f64::NEG_INFINITY]);
    }
    let exact = eliminate(factors);
    // Words without two ones beside each other: Fibonacci's numbers.
    close("fibonacci", exact.log_z(), 2_178_309f64.ln(), 1e-14);
    let x = exact.sample(2000, &mut Streams::new(1, Run::Draws));
    assert!((0..29).all(|s| x.label.col(s).iter().zip(x.label.col(s + 1)).all(|(a, b)| a + b < 2)));

    let energy = on_lattice(&[16, 5, 2], Boundary::Open, [0.3, 1.0, 0.1]);
    let wide = on_lattice(&[15, 15], Boundary::Open, [0.4, 1.0, 0.1]);
    let run = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| [&energy, &wide].map(|e| (eliminate(e).log_z().to_bits(), eliminate(e).marginals())))
    };
    assert_eq!(run(1), run(3));
}
