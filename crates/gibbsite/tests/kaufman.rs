//! Kaufman's formula for the Ising model on a torus, against references of many digits, enumeration and elimination.

use gibbsite::energy::ising::{Boundary, lattice, on_lattice};
use gibbsite::logz::elimination::{Elimination, Factors, MAX_ENTRIES};
use gibbsite::logz::kaufman::{Torus, TorusError};

/// `ln(1 + sqrt 2) / 2`.
const CRITICAL: f64 = 0.44068679350977147;

fn torus(sizes: [usize; 2], k: f64) -> Torus {
    Torus::new(sizes, k).unwrap()
}

fn close(what: &str, ours: f64, truth: f64, tol: f64) {
    assert!((ours - truth).abs() <= tol * truth.abs().max(1.0), "{what}: {ours} is not {truth}");
}

/// log Z, energy and heat capacity of a spin by a sum over all states, from how often each sum of s s' occurs.
fn enumerate(sizes: [usize; 2], k: f64) -> Torus {
    let n = sizes[0] * sizes[1];
    let edges = lattice(&sizes, Boundary::Periodic, 1.0);
    let n_edges: f64 = edges.iter().map(|e| e.2).sum();
    let mut count = vec![0.0; 2 * n_edges as usize + 1];
    for state in 0..1u32 << n {
        let unequal = |(a, b, w): &(usize, usize, f64)| 2.0 * w * f64::from((state >> a ^ state >> b) & 1);
        count[edges.iter().map(unequal).sum::<f64>() as usize] += 1.0;
    }
    let sum = |power: i32, centre: f64| -> f64 {
        let at = |i: usize| n_edges - i as f64 - centre;
        count.iter().enumerate().map(|(i, c)| c * at(i).powi(power) * (k * (n_edges - i as f64)).exp()).sum()
    };
    let z = sum(0, 0.0);
    let mean = sum(1, 0.0) / z;
    let n = n as f64;
    Torus { log_z: z.ln(), energy: -mean / n, heat_capacity: k * k * sum(2, mean) / z / n }
}

fn agree(what: &str, ours: Torus, truth: Torus, tol: f64) {
    close(&format!("{what}: log Z"), ours.log_z, truth.log_z, tol);
    close(&format!("{what}: energy"), ours.energy, truth.energy, 10.0 * tol);
    close(&format!("{what}: heat capacity"), ours.heat_capacity, truth.heat_capacity, 100.0 * tol);
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
    let rows = json["ising_torus_kaufman"].as_array().unwrap();
    assert!(rows.len() >= 40);
    for row in rows {
        let digits = |name: &str| -> f64 { row[name].as_str().unwrap().parse().unwrap() };
        let (size, k) = (row["L"].as_u64().unwrap() as usize, row["beta_value"].as_f64().unwrap());
        let (ours, what) = (torus([size; 2], k), format!("L = {size}, K = {k}"));
        close(&what, ours.log_z, digits("logZ"), 2e-15);
        // As far as they are printed.
        close(&what, ours.energy, digits("mean_energy_per_site"), 1e-11);
        close(&what, ours.heat_capacity, digits("heat_capacity_per_site"), 1e-7);
    }
}

/// Both signs, sizes even and odd, one axis coupled twice, temperatures on both sides of the critical one and at it.
#[test]
fn enumeration() {
    for sizes in [[2, 2], [2, 3], [3, 2], [3, 3], [3, 4], [4, 3], [4, 4], [5, 3], [2, 7], [4, 5]] {
        for k in [1e-3, 0.1, 0.4, CRITICAL, 0.5, 1.0, 3.0] {
            agree(&format!("{sizes:?}, K = {k}"), torus(sizes, k), enumerate(sizes, k), 3e-14);
            if sizes.iter().any(|size| size % 2 == 0) {
                agree(&format!("{sizes:?}, K = -{k}"), torus(sizes, -k), enumerate(sizes, -k), 3e-14);
            }
        }
    }
}

/// Tori too large to be enumerated, by an exact method that knows nothing of Kaufman's.
#[test]
fn elimination() {
    for (sizes, k) in
        [([8, 7], 0.43), ([7, 8], -0.45), ([6, 9], -1.5), ([5, 12], CRITICAL), ([3, 40], 0.8), ([40, 3], -0.8)]
    {
        let energy = on_lattice(&sizes, Boundary::Periodic, [k, 1.0, 0.0]);
        let truth = Elimination::new(Factors::from(&energy), MAX_ENTRIES).unwrap();
        let (ours, what) = (torus(sizes, k), format!("{sizes:?}, K = {k}"));
        close(&what, ours.log_z, truth.log_z(), 1e-14);
        let n = (sizes[0] * sizes[1]) as f64;
        close(&what, ours.energy * k * n, truth.marginals().mean_energy, 1e-13);
    }
}

/// The energy is the slope of log Z and the heat capacity that of the energy, most of all where S_even changes its
/// sign.
#[test]
fn derivatives() {
    for (sizes, k) in [
        ([32, 32], CRITICAL),
        ([32, 48], CRITICAL - 1e-3),
        ([33, 20], CRITICAL + 1e-3),
        ([33, 20], -0.3),
        ([33, 20], -0.7),
    ] {
        let n = (sizes[0] * sizes[1]) as f64;
        // Of fourth order.
        let slope = |f: &dyn Fn(f64) -> f64| {
            let h = 2e-4;
            (8.0 * (f(k + h) - f(k - h)) - (f(k + 2.0 * h) - f(k - 2.0 * h))) / (12.0 * h)
        };
        let what = format!("{sizes:?}, K = {k}");
        close(&what, torus(sizes, k).energy, -slope(&|k| torus(sizes, k).log_z) / n, 1e-8);
        close(&what, torus(sizes, k).heat_capacity, -k * k * slope(&|k| torus(sizes, k).energy), 1e-5);
    }
}

/// Nothing jumps where the branches meet, at s = 1: within rounding of the critical point all is the same.
#[test]
fn no_seam_at_the_critical_point() {
    for size in [16, 128] {
        let at = torus([size; 2], CRITICAL);
        for k in [CRITICAL - 2e-16, CRITICAL + 2e-16, CRITICAL - 1e-14, CRITICAL + 1e-14] {
            agree(&format!("{size}, {k}"), torus([size; 2], k), at, 1e-13);
        }
    }
}

#[test]
fn large_and_extreme() {
    // Exponentially close to Onsager's limit, which 1024 has to fifteen digits away from the critical point.
    let (ours, larger) = (torus([128, 128], 0.3), torus([1024, 1024], 0.3));
    close("free energy", ours.log_z / 128f64.powi(2), larger.log_z / 1024f64.powi(2), 1e-14);
    close("heat capacity", ours.heat_capacity, larger.heat_capacity, 1e-12);
    // The two ground states alone; and spins that are all but free.
    for sizes in [[128, 100], [2, 1000], [3, 77]] {
        let n = (sizes[0] * sizes[1]) as f64;
        for k in [20.0, 400.0, 1e5] {
            close("cold", torus(sizes, k).log_z, 2.0 * n * k + std::f64::consts::LN_2, 1e-15);
            close("cold", torus(sizes, k).energy, -2.0, 1e-15);
        }
        for k in [0.0, 1e-300, 1e-12, 1e-9] {
            close("hot", torus(sizes, k).log_z, n * std::f64::consts::LN_2, 1e-15);
            close("hot", torus(sizes, k).energy, 0.0, 1e-8);
        }
    }
    agree("transposed", torus([48, 20], 0.44), torus([20, 48], 0.44), 1e-13);
    agree("a tall torus", torus([1 << 12, 4], CRITICAL), torus([4, 1 << 12], CRITICAL), 1e-13);
}

/// An odd size leaves one unhappy coupling in each row: when it is cold all stand at one of n places, in either of two
/// states.
#[test]
fn a_seam_costs_its_length() {
    let ours = torus([5, 40], -4.0);
    let satisfied: f64 = 2.0 * 200.0 - 2.0 * 40.0;
    close("log Z", ours.log_z, 4.0 * satisfied + 10f64.ln() + (40.0 * 39.0 * (-16f64).exp()).ln_1p(), 1e-8);
    close("energy", ours.energy, satisfied / 200.0, 1e-5);
}

#[test]
fn refusals() {
    assert!(matches!(Torus::new([1, 8], 0.3), Err(TorusError::Size { sizes: [1, 8] })));
    assert!(matches!(Torus::new([8, 8], f64::NAN), Err(TorusError::Coupling { .. })));
    assert!(matches!(Torus::new([3, 5], -0.3), Err(TorusError::Frustrated { .. })));
    assert!(matches!(Torus::new([4, 1001], -2.0).map(|t| t.log_z > 0.0), Ok(true)));
    let e = Torus::new([1000, 11], -3.0).unwrap_err();
    assert_eq!(
        e.to_string(),
        "the coupling K = -3 is negative and the torus of 1000 x 11 has an odd size: what remains of Kaufman's four \
         products is lost in rounding"
    );
}
