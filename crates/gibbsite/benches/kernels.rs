//! Chain-steps per second of the gradient kernels on hand-written energies and on the same as formulas: 256 chains, one thread.
//! Criterion's "elements" are chain-steps; a transition of `hmc` is 8 leapfrog steps, each counted.

// The energies are compiled for AVX-512 where the machine has it; calling such a function needs `unsafe`.
#![allow(unsafe_code, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gibbsite::adapt::WarmedUp;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Bridge, Differentiable, Energy, Tractable};
use gibbsite::kernel::{Hmc, Info, Kernel, Mala, Ula};
use gibbsite::logz::path::Path;
use gibbsite::logz::walk::{Start, walk};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{RunOptions, draw};

/// Compiles the body for the baseline and for AVX-512, picks at run time.
macro_rules! wide {
    (fn $name:ident($($arg:ident: $ty:ty),*) $body:block) => {
        fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
                fn avx512($($arg: $ty),*) { body($($arg),*) }
                if gibbsite::simd::widest() == gibbsite::simd::Isa::Avx512 {
                    // SAFETY: the machine has the features.
                    return unsafe { avx512($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

wide! {
    fn quartic(x: &[f64], e: &mut [f64], g: &mut [f64]) {
        for ((x, e), g) in x.iter().zip(e).zip(g) {
            let xx = x * x;
            *e = xx * xx.mul_add(0.1, 0.5);
            *g = x * xx.mul_add(0.4, 1.0);
        }
    }
}

wide! {
    fn ring(x: &[f64], y: &[f64], e: &mut [f64], gx: &mut [f64], gy: &mut [f64]) {
        let n = x.len();
        let (y, e, gx, gy) = (&y[..n], &mut e[..n], &mut gx[..n], &mut gy[..n]);
        for i in 0..n {
            let r = x[i].mul_add(x[i], y[i] * y[i]).sqrt();
            let d = (r - 2.0) * 5.0;
            e[i] = 0.5 * d * d;
            let c = 5.0 * d / r;
            gx[i] = c * x[i];
            gy[i] = c * y[i];
        }
    }
}

wide! {
    fn many_well(x: &Matrix<f64>, e: &mut [f64], g: &mut Matrix<f64>) {
        e.fill(0.0);
        for j in 0..x.n_cols() {
            if j % 2 == 0 {
                for ((x, e), g) in x.col(j).iter().zip(e.iter_mut()).zip(g.col_mut(j)) {
                    let xx = x * x;
                    *e += xx.mul_add(xx - 6.0, -0.5 * x);
                    *g = x.mul_add(xx.mul_add(4.0, -12.0), -0.5);
                }
            } else {
                for ((x, e), g) in x.col(j).iter().zip(e.iter_mut()).zip(g.col_mut(j)) {
                    *e = (0.5 * x).mul_add(*x, *e);
                    *g = *x;
                }
            }
        }
    }
}

wide! {
    fn string(x: &Matrix<f64>, e: &mut [f64], g: &mut Matrix<f64>) {
        let (n, d) = (x.n_rows(), x.n_cols());
        e.fill(0.0);
        for j in 0..d {
            let (left, right) = (x.col(j.saturating_sub(1)), x.col((j + 1).min(d - 1)));
            let (x, g, e) = (&x.col(j)[..n], &mut g.col_mut(j)[..n], &mut e[..n]);
            for i in 0..n {
                let (x, xx, up) = (x[i], x[i] * x[i], right[i] - x[i]);
                e[i] += (0.5 * up).mul_add(up, xx * xx.mul_add(0.1, 0.5));
                g[i] = x.mul_add(xx.mul_add(0.4, 1.0), (x - left[i]) - up);
            }
        }
    }
}

/// Which energy.
#[derive(Clone, Copy)]
enum Which {
    String,
    Quartic,
    Ring,
    ManyWell,
}

struct Hand(Space, Which);

impl Energy for Hand {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let mut grad = Matrix::new(x.n(), x.dim());
        self.energy_grad(x, out, &mut grad);
    }
}

impl Differentiable for Hand {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        match self.1 {
            Which::Quartic => quartic(x.real.col(0), e, grad.col_mut(0)),
            Which::Ring => {
                let (gx, gy) = grad.as_mut_slice().split_at_mut(x.n());
                ring(x.real.col(0), x.real.col(1), e, gx, gy);
            }
            Which::ManyWell => many_well(&x.real, e, grad),
            Which::String => string(&x.real, e, grad),
        }
    }
}

const N_CHAINS: usize = 256;
const N_STEPS: usize = 200;
const N_LEAPFROG: usize = 8;

fn bench<E: Energy, K: Kernel<E>>(c: &mut Criterion, name: &str, energy: &E, kernel: &K, per_step: usize) {
    let x = Points::from_real(Matrix::from_fn(N_CHAINS, energy.space().dim(), |i, j| {
        ((i * 7 + j * 3) % 11) as f64 / 6.0 - 0.9
    }));
    let mut state = kernel.init(energy, x);
    let mut rng = Streams::new(1, Run::Draws);
    let mut group = c.benchmark_group("kernels");
    group.throughput(Throughput::Elements((N_CHAINS * N_STEPS * per_step) as u64)).sample_size(20);
    group.bench_function(name, |b| {
        b.iter(|| {
            for _ in 0..N_STEPS {
                kernel.step(energy, &mut state, &mut rng);
                rng.advance();
            }
        })
    });
}

fn all<E: Differentiable>(c: &mut Criterion, name: &str, energy: &E, eps: f64) {
    bench(c, &format!("ula/{name}"), energy, &Ula::new(eps), 1);
    bench(c, &format!("mala/{name}"), energy, &Mala::new(eps), 1);
    bench(c, &format!("hmc/{name}"), energy, &Hmc::new(eps.sqrt(), N_LEAPFROG), N_LEAPFROG);
}

/// Whole runs of `hmc`: 4,096 chains in the blocks that `run` deals, on one thread.
fn many_chains(c: &mut Criterion) {
    const N_CHAINS: usize = 4096;
    let formula = "sum(i, 1..d-1, (x[i+1]-x[i])^2)/2 + sum(i, 1..d, x[i]^2/2 + x[i]^4/10)";
    let options = FormulaOptions { dim: Some(10), ..FormulaOptions::default() };
    let formula = Formula::with_options(formula, &options).expect("the formula is right");
    let hand = Hand(Space::real(10), Which::String);
    let x = Points::from_real(Matrix::from_fn(N_CHAINS, 10, |i, j| ((i * 7 + j * 3) % 11) as f64 / 6.0 - 0.9));
    let energies: [(&str, &dyn Differentiable); 2] = [("hand", &hand), ("formula", &formula)];
    let (mut e, mut g) = (vec![vec![0.0; N_CHAINS]; 2], vec![Matrix::new(N_CHAINS, 10); 2]);
    for (k, (_, energy)) in energies.iter().enumerate() {
        energy.energy_grad(&x, &mut e[k], &mut g[k]);
    }
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close(&e[0], &e[1]) && close(g[0].as_slice(), g[1].as_slice()), "the two are the same energy");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let options = RunOptions { n_draws: 10, thin: 1, n_warmup: 0, ..RunOptions::default() };
    let mut group = c.benchmark_group("4096_chains");
    group.throughput(Throughput::Elements((N_CHAINS * 10 * N_LEAPFROG) as u64)).sample_size(20);
    for (name, energy) in energies {
        group.bench_function(format!("hmc/string_10_{name}"), |b| {
            b.iter(|| {
                let kernel = Hmc { jitter: 0.0, ..Hmc::new(0.2, N_LEAPFROG) };
                let warm = WarmedUp { kernel, x: x.clone(), info: Info::default(), warnings: Vec::new() };
                pool.install(|| draw(energy, warm, &options, 0, &|_| {})).expect("a run")
            })
        });
    }
}

/// What a temperature of annealing costs beside its kernel steps: 64 walkers, one thread, 5 leapfrog steps at each of 100
/// temperatures, against as many transitions at one level.
fn annealing(c: &mut Criterion) {
    const N_TEMPERATURES: usize = 100;
    let options = FormulaOptions { dim: Some(32), ..FormulaOptions::default() };
    let text = "sum(i, 1..d/2, x[2*i-1]^4 - 6*x[2*i-1]^2 - x[2*i-1]/2 + x[2*i]^2/2)";
    let energy = Formula::with_options(text, &options).expect("the formula is right");
    let reference = Gaussian::diagonal(vec![0.0; 32], &[1.5; 32]).expect("positive");
    let betas: Vec<f64> = (0..=N_TEMPERATURES).map(|k| k as f64 / N_TEMPERATURES as f64).collect();
    let kernel = Hmc { jitter: 0.0, ..Hmc::new(0.05, 5) };
    let path = Path::new(betas, vec![kernel.clone(); N_TEMPERATURES + 1], 1).expect("a path");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let streams = Streams::new(0, Run::Importance);
    let mut group = c.benchmark_group("annealing");
    group.throughput(Throughput::Elements((64 * N_TEMPERATURES) as u64)).sample_size(50);
    group.bench_function("temperatures", |b| {
        b.iter(|| pool.install(|| walk(&reference, &energy, &path, Start::Reference(0..64), &streams)).expect("finite"))
    });
    let bridge = Bridge::new(&reference, &energy, 0.5);
    let x = reference.sample(64, &mut Streams::new(0, Run::Pilot));
    group.bench_function("kernel_steps", |b| {
        b.iter(|| {
            let mut state = kernel.init(&bridge, x.clone());
            kernel.steps(&bridge, &mut state, &mut Streams::new(0, Run::Draws), N_TEMPERATURES as u64)
        })
    });
}

fn kernels(c: &mut Criterion) {
    for (name, which, dim, eps, formula) in [
        ("quartic", Which::Quartic, 1, 0.1, "0.5*x^2 + 0.1*x^4"),
        ("ring", Which::Ring, 2, 0.01, "(sqrt(x^2 + y^2) - 2)^2/(2*0.2^2)"),
        (
            "many_well_32",
            Which::ManyWell,
            32,
            0.005,
            "sum(i, 1..d/2, x[2*i-1]^4 - 6*x[2*i-1]^2 - x[2*i-1]/2 + x[2*i]^2/2)",
        ),
    ] {
        all(c, name, &Hand(Space::real(dim), which), eps);
        let options = FormulaOptions { dim: Some(dim), ..FormulaOptions::default() };
        let energy = Formula::with_options(formula, &options).expect("the formula is right");
        all(c, &format!("{name}_formula"), &energy, eps);
    }
}

criterion_group!(benches, kernels, many_chains, annealing);
criterion_main!(benches);
