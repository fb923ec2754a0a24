use std::fs;

use super::*;
use crate::energy::formula::Formula;
use crate::kernel::{Hmc, Metric};
use crate::run::saved::Saved;
use crate::run::{KernelSession, RunOptions, Session, initial_points, sample};

fn options() -> RunOptions {
    RunOptions { n_draws: 23, thin: 2, n_warmup: 80, seed: 3, block: 4 }
}

/// Seven chains cut at odd places, kept, and gone on with from the bytes of the checkpoint each time.
#[test]
fn pieces_of_a_run_are_the_run_to_the_bit() {
    compare(&options(), Hmc::new(0.5, 4), false);
    compare(&options(), crate::kernel::Nuts::new(0.5), false);
    // Steps so long that most of them diverge.
    compare(&RunOptions { n_warmup: 0, ..options() }, Hmc::new(3.0, 4), true);
}

fn compare<K>(options: &RunOptions, kernel: K, diverges: bool)
where
    K: crate::adapt::Adapt<Formula> + PartialEq + std::fmt::Debug,
{
    let options = || options.clone();
    let energy = Formula::parse("x^2 + 0.9*x*y + y^2/3 + 0.1*y^4").unwrap();
    let init = initial_points(&energy, 7, 1).unwrap();
    let whole = sample(&energy, &kernel, init.clone(), &options(), &|_| {}).unwrap();
    assert_eq!(whole.divergences.is_empty(), !diverges);
    let mut divergences = whole.divergences.clone();
    divergences.sort_by_key(|d| (d.chain, d.draw));
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::new(folder.path(), 7, 2);
    let mut state = KernelSession::start(&energy, &kernel, init, &options(), &|_| {}).unwrap().save();
    for n in [1, 5, 2, 15] {
        let saved = Saved::from_bytes(&state.to_bytes().unwrap()).unwrap();
        let mut session = KernelSession::resume(&energy, kernel.clone(), &options(), 7, &saved).unwrap();
        assert_eq!(session.n_done(), store.n_draws());
        store.append(&session.draw(n, &|_| {}).unwrap()).unwrap();
        state = session.save();
        assert_eq!(*session.kernel(), whole.kernel);
        if session.n_done() == 23 {
            assert_eq!((session.info(), session.judge().unwrap()), (&whole.info, whole.warnings.clone()));
            let outcome = session.finish(whole.draws.clone()).unwrap();
            assert_eq!((outcome.last, outcome.divergences), (whole.last.clone(), divergences.clone()));
        }
    }
    let store = Store::open(folder.path(), 7, 2, 23).unwrap();
    let all = |q, columns| store.every(q, columns, 23, 1).unwrap();
    assert_eq!(all(Quantity::Draws, 0..2), whole.draws.values());
    assert_eq!(all(Quantity::Energy, 0..1), whole.draws.energy());
    assert_eq!(all(Quantity::TotalEnergy, 0..1), whole.draws.hamiltonian());
    let second: Vec<f64> = (0..7).flat_map(|c| whole.draws.chain(c, 1).step_by(5).collect::<Vec<_>>()).collect();
    assert_eq!(store.every(Quantity::Draws, 1..2, 23, 5).unwrap(), second);
    let late: Vec<f64> = whole.draws.hamiltonian().chunks(23).flat_map(|c| c[19..].to_vec()).collect();
    assert_eq!(store.last(Quantity::TotalEnergy, 4).unwrap(), late);
    assert_eq!(store.last(Quantity::TotalEnergy, 99).unwrap(), whole.draws.hamiltonian());
}

#[test]
fn a_metric_with_directions_is_kept() {
    let energy = Formula::parse("x^2 + y^2").unwrap();
    let s = std::f64::consts::FRAC_1_SQRT_2;
    let vectors = crate::points::Matrix::from_columns(2, 1, vec![s, s]);
    let kernel = Hmc { metric: Metric::low_rank(vec![1.0, 2.0], vectors, vec![3.0]), ..Hmc::new(0.3, 3) };
    let options = RunOptions { n_warmup: 0, ..options() };
    let init = initial_points(&energy, 3, 1).unwrap();
    let session = KernelSession::start(&energy, &kernel, init, &options, &|_| {}).unwrap();
    let back = KernelSession::resume(&energy, Hmc::new(9.0, 3), &options, 3, &session.save()).unwrap();
    assert_eq!(*back.kernel(), kernel);
    assert!(KernelSession::resume(&energy, Hmc::new(9.0, 3), &options, 4, &session.save()).is_err());
}

#[test]
fn what_the_run_did_not_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::new(folder.path(), 2, 1);
    let draws = |n: usize| Draws::from_parts(2, n, 1, vec![1.0; 2 * n], vec![0.0; 2 * n]);
    store.append(&draws(3)).unwrap();
    store.append(&draws(2)).unwrap();
    let open = |chains, n| Store::open(folder.path(), chains, 1, n).map(|s| s.n_draws()).map_err(|e| e.to_string());
    assert_eq!((open(2, 5), open(2, 3), open(2, 0)), (Ok(5), Ok(3), Ok(0)));
    assert!(open(2, 4).unwrap_err().contains("end with draw 3"), "{:?}", open(2, 4));
    assert!(open(1, 5).unwrap_err().contains("shape"));
    let beyond = open(2, 6).unwrap_err();
    assert!(beyond.contains("draws-000000000005.npy") && beyond.contains("is missing"), "{beyond}");
    let file = folder.path().join("energy-000000000003.npy");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let short = open(2, 5).unwrap_err();
    assert!(short.contains("bytes") && short.contains("the 3 draws of each chain before it are whole"), "{short}");
}

/// A store of two pieces with total energies.
fn two_pieces(folder: &std::path::Path) -> Store {
    let energy = Formula::parse("x^2 + y^2").unwrap();
    let init = initial_points(&energy, 2, 1).unwrap();
    let mut session = KernelSession::start(&energy, &Hmc::new(0.3, 3), init, &options(), &|_| {}).unwrap();
    let mut store = Store::new(folder, 2, 2);
    [3, 2].into_iter().for_each(|n| store.append(&session.draw(n, &|_| {}).unwrap()).unwrap());
    store
}

#[test]
fn every_flipped_bit_of_a_piece_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = two_pieces(folder.path());
    for quantity in Quantity::ALL {
        let path = store.file(quantity, 3);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path, &flipped).unwrap();
            assert!(Store::open(folder.path(), 2, 2, 5).is_err(), "{} byte {at}", quantity.name());
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(Store::open(folder.path(), 2, 2, 5).unwrap().n_draws(), 5);
    store.verify_all().unwrap();
}

#[test]
fn a_missing_file_of_a_piece_is_found_before_anything_is_exported() {
    for (quantity, first) in Quantity::ALL.into_iter().flat_map(|q| [(q, 0), (q, 3)]) {
        let folder = tempfile::tempdir().unwrap();
        let store = two_pieces(folder.path());
        let path = store.file(quantity, first);
        fs::remove_file(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let said = Store::open(folder.path(), 2, 2, 5).unwrap_err();
        assert!(matches!(said, StoreError::Damaged { .. }), "{said}");
        assert!(said.to_string().contains(name) && said.to_string().contains("is missing"), "{said}");
        let out = folder.path().join("out.csv");
        let said = std::error::Error::source(&store.export(&out, Format::Csv, 5).unwrap_err()).unwrap().to_string();
        assert!(said.contains(name) && said.contains("is missing"), "{said}");
        assert!(!out.exists());
    }
}

/// More divergences than are located: which ones does not depend on the cuts or the blocks.
#[test]
fn located_divergences_do_not_tell_where_the_pieces_were_cut() {
    let energy = Formula::parse("x^2/2").unwrap();
    let init = initial_points(&energy, 70, 1).unwrap();
    let found = |pieces: &[usize], block: usize| {
        let options = RunOptions { n_draws: 60, n_warmup: 0, block, ..options() };
        let mut session = KernelSession::start(&energy, &Hmc::new(2.3, 9), init.clone(), &options, &|_| {}).unwrap();
        let mut kept = None;
        for n in pieces {
            kept = Some(session.draw(*n, &|_| {}).unwrap());
            let saved = Saved::from_bytes(&session.save().to_bytes().unwrap()).unwrap();
            session = KernelSession::resume(&energy, Hmc::new(2.3, 9), &options, 70, &saved).unwrap();
        }
        let outcome = session.finish(kept.unwrap()).unwrap();
        assert!(outcome.info.n_diverged > 3000, "{:?}", outcome.info);
        outcome.divergences
    };
    let whole = found(&[60], 256);
    assert_eq!(whole.len(), crate::run::MAX_DIVERGENCES);
    assert_eq!(found(&[1, 7, 30, 22], 256), whole);
    assert_eq!(found(&[1, 7, 30, 22], 9), whole);
    let options = RunOptions { n_draws: 60, n_warmup: 0, block: 9, ..options() };
    let mut at_once = sample(&energy, &Hmc::new(2.3, 9), init.clone(), &options, &|_| {}).unwrap().divergences;
    at_once.sort_by_key(|d| (d.chain, d.draw));
    assert_eq!(at_once, whole);
}

/// Chains longer than the buffer are written piece by piece, shorter ones several at a time: the same file.
#[test]
fn exports_equal_files_of_draws_held_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (n_chains, n_draws, dim) in [(3, 40, 2), (2, BUFFER / 2 + 1, 2)] {
        let n = n_chains * n_draws;
        let value = |i: usize| (i as f64 * 0.37).sin() * 10f64.powi((i % 40) as i32 - 20);
        let values: Vec<f64> = (0..n * dim).map(value).collect();
        let energy: Vec<f64> = (0..n).map(value).collect();
        let mut store = Store::new(folder.path(), n_chains, dim);
        for first in (0..n_draws).step_by(n_draws / 3) {
            let cut = |v: &[f64], w: usize| -> Vec<f64> {
                v.chunks(n_draws * w)
                    .flat_map(|c| c[first * w..(first + n_draws / 3).min(n_draws) * w].to_vec())
                    .collect()
            };
            let (values, energy) = (cut(&values, dim), cut(&energy, 1));
            store.append(&Draws::from_parts(n_chains, energy.len() / n_chains, dim, values, energy)).unwrap();
        }
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let same = || assert!(fs::read(&a).unwrap() == fs::read(&b).unwrap());
        let shape = [n_chains, n_draws, dim];
        store.export(&a, Format::Npy, n_draws).unwrap();
        write_npy(&b, &shape, &values).unwrap();
        same();
        store.export(&a, Format::Npz, n_draws).unwrap();
        crate::table::write_npz(&b, &[("draws", &shape, &values), ("energy", &shape[..2], &energy)]).unwrap();
        same();
        if n > 1000 {
            continue;
        }
        store.export(&a, Format::Csv, n_draws).unwrap();
        let number = |i: usize, j: usize| match j {
            0 => (i / n_draws) as f64,
            1 => (i % n_draws) as f64,
            j => values[i * dim + j - 2],
        };
        let names = ["chain", "draw", "x1", "x2"];
        crate::table::write_csv(&b, &names, &crate::points::Matrix::from_fn(n, dim + 2, number)).unwrap();
        same();
        // The same draws kept as one long chain.
        let one = tempfile::tempdir().unwrap();
        let mut long = Store::new(one.path(), 1, dim);
        long.append(&Draws::from_parts(1, n, dim, values.clone(), energy.clone())).unwrap();
        long.export(&a, Format::Csv, n_draws).unwrap();
        same();
        let every = |s: &Store| s.every(Quantity::Draws, 0..dim, n_draws, 7).unwrap();
        assert_eq!(every(&long), every(&store));
    }
}
