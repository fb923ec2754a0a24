//! Every picture on typical, empty, degenerate and random input. `GIBBSITE_GALLERY=folder` keeps the typical ones.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{
    Grid2, Landscape, Plane, PlotError, RankPanel, energy_histograms, energy_transitions, landscape_1d, landscape_2d,
    ranks, traces,
};

const FORMATS: [&str; 2] = ["svg", "png"];

/// A folder that goes away, or the one the environment names.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("GIBBSITE_GALLERY").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&kept).unwrap();
    (temporary, kept)
}

/// Draws twice and compares bytes; the text of an SVG comes back.
fn twice(stem: &Path, draw: impl Fn(&Path) -> Result<(), PlotError>) -> String {
    for format in FORMATS {
        let path = stem.with_extension(format);
        draw(&path).unwrap();
        let once = std::fs::read(&path).unwrap();
        draw(&path).unwrap();
        assert_eq!(once, std::fs::read(&path).unwrap(), "{format} differs between two runs");
    }
    std::fs::read_to_string(stem.with_extension("svg")).unwrap()
}

fn grid(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| lo + (hi - lo) * i as f64 / (n - 1) as f64).collect()
}

fn plane(x: &[f64], y: &[f64], energy: impl Fn(f64, f64) -> f64) -> Grid2 {
    let energy = y.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| energy(x, y)).collect();
    Grid2 { x: x.to_vec(), y: y.to_vec(), energy }
}

/// Uniform numbers for test pictures (splitmix64: Steele, Lea, Flood, 2014).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// A random walk Metropolis chain, good enough to be looked at.
fn walk(energy: impl Fn(f64, f64) -> f64, mut at: [f64; 2], step: f64, n: usize, seed: u64) -> Vec<[f64; 2]> {
    let mut u = Uniform(seed);
    let mut out = vec![at];
    for _ in 0..n {
        let to = [at[0] + step * u.normal(), at[1] + step * u.normal()];
        if u.next() < (energy(at[0], at[1]) - energy(to[0], to[1])).exp() {
            at = to;
        }
        out.push(at);
    }
    out
}

fn quartic(x: f64) -> f64 {
    x.powi(4) - 6.0 * x * x - 0.5 * x
}

fn normalised(x: &[f64], energy: &[f64]) -> Vec<f64> {
    let weight: Vec<f64> = energy.iter().map(|e| (-e).exp()).collect();
    let z = weight.iter().filter(|w| w.is_finite()).sum::<f64>() * (x[1] - x[0]);
    weight.iter().map(|w| w / z).collect()
}

fn line<'a>(title: &'a str, axis: &'a str, x: &'a [f64], energy: &'a [f64], density: &'a [f64]) -> Landscape<'a> {
    Landscape { title, axis, x, energy, is_model: true, density: Some(density), data: &[], draws: &[] }
}

fn over<'a>(title: &'a str, axes: [&'a str; 2], grid: &'a Grid2) -> Plane<'a> {
    Plane { title, axes, grid, is_model: true, draws: &[], data: &[], walks: &[] }
}

/// Independent draws from a density on a fine even grid.
fn inverse_cdf(x: &[f64], density: &[f64], n: usize, seed: u64) -> Vec<f64> {
    let step = x[1] - x[0];
    let cdf: Vec<f64> = density
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p * step;
            Some(*sum)
        })
        .collect();
    let mut u = Uniform(seed);
    let mut draw = || {
        let (level, jitter) = (u.next(), u.next() - 0.5);
        x[cdf.partition_point(|&c| c < level).min(x.len() - 1)] + step * jitter
    };
    (0..n).map(|_| draw()).collect()
}

/// Müller and Brown, Theor. Chim. Acta 53 (1979), 75, at β = 0.1.
fn mueller_brown(x: f64, y: f64) -> f64 {
    let terms = [
        [-200.0, -1.0, 0.0, -10.0, 1.0, 0.0],
        [-100.0, -1.0, 0.0, -10.0, 0.0, 0.5],
        [-170.0, -6.5, 11.0, -6.5, -0.5, 1.5],
        [15.0, 0.7, 0.6, 0.7, -1.0, 1.0],
    ];
    let term = |[h, a, b, c, x0, y0]: [f64; 6]| {
        h * (a * (x - x0).powi(2) + b * (x - x0) * (y - y0) + c * (y - y0).powi(2)).exp()
    };
    0.1 * terms.map(term).iter().sum::<f64>()
}

fn ring(x: f64, y: f64) -> f64 {
    (x.hypot(y) - 2.0).powi(2) / (2.0 * 0.2 * 0.2)
}

#[test]
fn one_dimension() {
    let (_guard, folder) = folder();
    let x = grid(-4.0, 4.0, 801);
    let energy: Vec<f64> = x.iter().map(|&x| quartic(x)).collect();
    let density = normalised(&x, &energy);
    let draws = inverse_cdf(&x, &density, 40_000, 7);
    let data = inverse_cdf(&x, &density, 272, 8);
    let title = "E(x) = x^4 − 6 x^2 − 0.5 x";
    let text = twice(&folder.join("double_well"), |path| {
        landscape_1d(path, &Landscape { data: &data, draws: &draws, ..line(title, "x", &x, &energy, &density) })
    });
    for words in ["model p(x)", "data (n = 272)", "draws (n = 40,000)", "Energy E(x)", "Density p(x)"] {
        assert!(text.contains(words), "no {words}");
    }

    let text = twice(&folder.join("narrow"), |path| {
        let right = line("", "x", &x[400..], &energy[400..], &density[400..]);
        landscape_1d(path, &Landscape { data: &[-1.0, 2.0, 1.5, f64::NAN], ..right })
    });
    assert!(text.contains("data (n = 4, 2 outside the window)"));

    // A half line, a single well, no data, and a title that does not fit.
    let x = grid(-1.0, 6.0, 701);
    let energy: Vec<f64> = x.iter().map(|&x| if x > 0.0 { 3.0 * x - 2.0 * x.ln() } else { f64::INFINITY }).collect();
    let density = normalised(&x, &energy);
    twice(&folder.join("half_line"), |path| {
        let title = "3 x − 2 log(x) and more, ".repeat(9);
        landscape_1d(path, &line(&title, "waiting time <min> & more", &x, &energy, &density))
    });
}

#[test]
fn two_dimensions() {
    let (_guard, folder) = folder();
    let (x, y) = (grid(-1.5, 1.2, 150), grid(-0.4, 2.0, 140));
    let walks = [walk(mueller_brown, [-0.55, 1.45], 0.06, 700, 1), walk(mueller_brown, [0.6, 0.02], 0.06, 700, 12)];
    let text = twice(&folder.join("mueller_brown"), |path| {
        let grid = plane(&x, &y, mueller_brown);
        landscape_2d(path, &Plane { walks: &walks, ..over("Müller-Brown, β = 0.1", ["x1", "x2"], &grid) })
    });
    assert!(text.contains("2 chains, 700 steps each") && text.contains("Energy E"));

    let side = grid(-3.0, 3.0, 121);
    let far = walk(ring, [2.0, 0.0], 0.5, 5_000, 3);
    let data: Vec<[f64; 2]> = far.iter().step_by(15).copied().collect();
    let walks: Vec<_> = (0..4)
        .map(|k| walk(ring, [[2.0, 0.0], [-2.0, 0.3], [0.2, 2.0], [0.0, -2.0]][k], 0.2, 150, 40 + k as u64))
        .collect();
    let text = twice(&folder.join("ring"), |path| {
        let grid = plane(&side, &side, ring);
        let on_it = Plane { walks: &walks, data: &data, draws: &far, ..over("A ring of radius 2", ["x", "y"], &grid) };
        landscape_2d(path, &on_it)
    });
    assert!(text.contains("data (n = 334)") && text.contains("draws (n = 5,001, 2,501 shown)"));
    let away: Vec<[f64; 2]> = data.iter().map(|p| [p[0] + 9.0, p[1]]).collect();
    let path = folder.join("away.svg");
    landscape_2d(&path, &Plane { data: &away, ..over("", ["x", "y"], &plane(&side, &side, ring)) }).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("data (n = 334, 334 outside the window)"));

    // Outside the support (x < 0) nothing is drawn; the axes have very different scales.
    let half = plane(&grid(-1.0, 3.0, 80), &grid(0.0, 2e6, 60), |x, y| {
        if x > 0.0 { x - x.ln() + (y / 1e6 - x.sqrt()).powi(2) * 8.0 } else { f64::INFINITY }
    });
    landscape_2d(&folder.join("support.png"), &over("Support x > 0", ["rate", "dose"], &half)).unwrap();
}

#[test]
fn energies_and_traces() {
    let (_guard, folder) = folder();
    let mut u = Uniform(5);
    let data: Vec<f64> = (0..272).map(|_| -3.0 + 0.5 * (u.normal().powi(2) + u.normal().powi(2))).collect();
    let draws: Vec<f64> = (0..20_000).map(|_| -2.8 + 0.5 * (u.normal().powi(2) + u.normal().powi(2))).collect();
    twice(&folder.join("energies"), |path| energy_histograms(path, "Energies", &data, &draws));

    let walks: Vec<_> = (0..4).map(|k| walk(mueller_brown, [-0.5, 1.4], 0.15, 5_000, 70 + k)).collect();
    let chains: Vec<Vec<Vec<f64>>> =
        (0..2).map(|d| walks.iter().map(|w| w.iter().map(|p| p[d]).collect()).collect()).collect();
    let names = ["x1".to_owned(), "x2".to_owned()];
    twice(&folder.join("traces"), |path| traces(path, "Müller-Brown, random-walk Metropolis", &names, &chains));
    let wrong = traces(&folder.join("never.svg"), "", &names[..1], &chains);
    assert!(matches!(wrong, Err(PlotError::Length { what: "names", expected: 2, found: 1 })));
}

fn rank_panel(name: &str, n_chains: usize, n_bins: usize, apart: &[usize], u: &mut Uniform) -> RankPanel {
    let mut counts: Vec<Vec<f64>> =
        (0..n_chains).map(|_| (0..n_bins).map(|_| (50.0 + 7.0 * u.normal()).round()).collect()).collect();
    for c in apart {
        (0..n_bins).for_each(|k| counts[*c][k] *= if 2 * k < n_bins { 1.8 } else { 0.2 });
    }
    let (expected, count_sd) = (vec![50.0; n_bins], vec![7.0; n_bins]);
    RankPanel { name: name.to_owned(), counts, expected, count_sd, apart: apart.to_vec() }
}

#[test]
fn rank_plots() {
    let (_guard, folder) = folder();
    let mut u = Uniform(9);
    let few: Vec<RankPanel> =
        ["x1", "x2", "x3"].map(|name| rank_panel(name, 4, 20, if name == "x2" { &[2] } else { &[] }, &mut u)).into();
    let text = twice(&folder.join("ranks"), |path| ranks(path, "Four chains", 1000, &few));
    for words in
        ["x1: no chain stands out", "x2: chain 3 stands out", "chain 4<", "bold: stands out", "Draws / expected"]
    {
        assert!(text.contains(words), "no {words}");
    }
    assert_eq!(text.matches(">Rank</text>").count(), 3);
    // Many chains are not named one by one, and panels fill rows of three.
    let many: Vec<RankPanel> =
        (1..=11).map(|j| rank_panel(&format!("x{j}"), 64, 20, if j == 1 { &[5, 60] } else { &[] }, &mut u)).collect();
    let text = twice(&folder.join("ranks_of_many"), |path| ranks(path, "Many chains", 1000, &many));
    assert!(text.contains("9 of 11 coordinates") && text.contains("x1: chains 6 and 61 stand out"));
    assert!(text.contains("a chain that stands out") && !text.contains("chain 4<") && !text.contains("x10"));
    let wrong = RankPanel { count_sd: vec![1.0], ..few[0].clone() };
    let error = ranks(&folder.join("never.svg"), "", 10, &[wrong]);
    assert!(matches!(error, Err(PlotError::Length { what: "count_sd", expected: 20, found: 1 })));
}

#[test]
fn traces_of_many_chains_and_changes_of_energy() {
    let (_guard, folder) = folder();
    let walks: Vec<_> = (0..64).map(|k| walk(mueller_brown, [-0.5, 1.4], 0.15, 1_000, 70 + k)).collect();
    let mut chains: Vec<Vec<f64>> = walks.iter().map(|w| w.iter().map(|p| p[0]).collect()).collect();
    // One chain sits where no other is.
    chains[17].iter_mut().for_each(|x| *x += 1.5);
    let names = ["x".to_owned()];
    let text = twice(&folder.join("traces_of_many"), |path| traces(path, "64 chains", &names, &[chains.clone()]));
    assert!(text.contains("64 chains of 1,001 draws") && text.contains("chain of least mean"));
    assert!(text.contains("<image") && !text.contains("chain 1<"));
    // The map, three lines of the legend, three chains: few shapes, whatever the number of draws.
    assert!(text.matches("<path").count() < 20, "{}", text.matches("<path").count());
    let energies: Vec<Vec<f64>> = walks.iter().map(|w| w.iter().map(|p| mueller_brown(p[0], p[1])).collect()).collect();
    let ratios = gibbsite::diagnostics::ebfmi(&energies);
    let text = twice(&folder.join("energy_changes"), |path| energy_transitions(path, "Changes", &energies, &ratios));
    for words in ["energies of draws: mean −", "changes from draw to draw: rms", "% are 0, not drawn", ", by chain"] {
        assert!(text.contains(words), "no {words}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.svg");
    let two = [0.0, 1.0];
    let short = landscape_1d(&path, &line("", "x", &two, &two[..1], &two));
    assert!(matches!(short, Err(PlotError::Length { what: "energy", expected: 2, found: 1 })));
    let falling = landscape_1d(&path, &line("", "x", &[1.0, 0.0], &two, &two));
    assert!(matches!(falling, Err(PlotError::NotIncreasing { index: 1, .. })));
    let hole = Grid2 { x: vec![0.0, f64::NAN], y: vec![0.0], energy: vec![0.0; 2] };
    assert!(matches!(landscape_2d(&path, &over("", ["x", "y"], &hole)), Err(PlotError::NotIncreasing { .. })));
    assert!(!path.exists());
}

#[test]
fn empty_single_and_equal_inputs_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let path = folder.path().join("a").with_extension(format);
        for (x, e) in [
            (vec![], vec![]),
            (vec![2.0], vec![1.0]),
            (vec![0.0, 1.0, 2.0], vec![3.0; 3]),
            (vec![0.0, 1.0], vec![f64::NAN; 2]),
        ] {
            for is_model in [true, false] {
                let bare = Landscape { is_model, ..line("t", "x", &x, &e, &e) };
                landscape_1d(&path, &Landscape { density: None, ..bare }).unwrap();
                landscape_1d(&path, &Landscape { data: &e, ..bare }).unwrap();
                landscape_1d(&path, &Landscape { data: &[1.0], draws: &[1.0; 9], ..bare }).unwrap();
            }
            energy_histograms(&path, "", &e, &[]).unwrap();
            energy_histograms(&path, "", &e, &e).unwrap();
            energy_transitions(&path, "", &[e.clone(), vec![]], &e).unwrap();
            let some = |v: f64| RankPanel {
                name: String::new(),
                counts: vec![vec![v; e.len()]; 2],
                expected: vec![v; e.len()],
                count_sd: e.clone(),
                apart: vec![0, 7],
            };
            ranks(&path, "", 0, &[some(1.0), some(0.0), some(f64::NAN)]).unwrap();
            traces(&path, "", &["a".to_owned()], &[vec![e.clone(); 12]]).unwrap();
            traces(&path, "", &["a".to_owned()], &[vec![e.clone(), vec![]]]).unwrap();
            let grid = Grid2 { energy: x.iter().flat_map(|_| e.clone()).collect(), x: x.clone(), y: x };
            let walks = [vec![], vec![[0.5, 0.5]]];
            landscape_2d(&path, &Plane { walks: &walks, ..over("", ["", ""], &grid) }).unwrap();
        }
        traces(&path, "", &[], &[]).unwrap();
        ranks(&path, "", 0, &[]).unwrap();
        energy_transitions(&path, "", &[], &[]).unwrap();
        traces(&path, "", &["a".to_owned()], &[vec![]]).unwrap();
    }
}

/// A walk that rounding would leave outside of the picture, where pixels cannot be drawn.
#[test]
fn walks_that_leave_the_picture_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let walk: Vec<[f64; 2]> = [2.9, -1.3e25, 2.5e255, 2.2, 0.0]
        .into_iter()
        .cycle()
        .zip([0.0, 2.5e208, -1.9, 4.3, 0.6])
        .map(|(a, b)| [a, b])
        .collect();
    let grid = Grid2 { energy: vec![], x: vec![], y: vec![0.0] };
    let walks = std::slice::from_ref(&walk);
    let what = Plane { data: &walk, draws: &walk, walks, ..over("", ["x", "y"], &grid) };
    landscape_2d(&folder.path().join("a.png"), &what).unwrap();
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -5.0..5.0_f64, 2 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(0.0)]
}

fn axis() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![-5.0..5.0_f64, -1e100..1e100_f64], 0..9).prop_map(|mut v| {
        v.sort_by(f64::total_cmp);
        v.dedup();
        v
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_numbers_make_a_panic(
        x in axis(), y in axis(), pool in prop::collection::vec(number(), 81), extra in prop::collection::vec(number(), 0..40),
        title in any::<String>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        let e = &pool[..x.len()];
        let p: Vec<f64> = e.iter().map(|e| (-e).exp()).collect();
        let is_model = pool[1] > 0.0;
        landscape_1d(&path, &Landscape { is_model, data: &extra, draws: &pool, ..line(&title, &title, &x, e, &p) }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        prop_assert!(!text.contains("NaN") || title.contains("NaN"));
        energy_histograms(&path, &title, &pool, &extra).unwrap();
        energy_transitions(&path, &title, &[pool.clone(), extra.clone()], &extra).unwrap();
        let panel = RankPanel {
            name: title.clone(), counts: vec![pool.clone(); 3], expected: pool.clone(), count_sd: pool.clone(), apart: vec![1],
        };
        ranks(&path, &title, 7, &[panel]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        prop_assert!(!text.contains("NaN") || title.contains("NaN"));
        traces(&path, &title, std::slice::from_ref(&title), &[vec![extra.clone(); 11]]).unwrap();
        let walk: Vec<[f64; 2]> = pool.iter().zip(&extra).map(|(&a, &b)| [a, b]).collect();
        let grid = Grid2 { energy: pool[..x.len() * y.len()].to_vec(), x, y };
        if pool[0] > 2.0 { // pixels are slow: a few cases suffice
            let walks = std::slice::from_ref(&walk);
            let what = Plane { is_model, data: &walk, draws: &walk, walks, ..over(&title, ["x", "y"], &grid) };
            landscape_2d(&path.with_extension("png"), &what).unwrap();
        }
        traces(&path, &title, std::slice::from_ref(&title), &[vec![pool, extra]]).unwrap();
    }
}
