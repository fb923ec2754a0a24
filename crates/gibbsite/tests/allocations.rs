//! No kernel allocates in a step. The allocator of this test binary counts, per thread.

// A global allocator cannot be written without `unsafe`; this one only counts and passes on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Differentiable, Energy, Scaled, Sum, Transformed};
use gibbsite::kernel::{Ensemble, Hmc, Independence, Kernel, Mala, Nuts, Rwm, Slice, Ula, Underdamped};
use gibbsite::points::{Matrix, Points, Space, Support};
use gibbsite::rng::{Run, Streams};
use gibbsite::tempering::{Ladder, Replicas, TemperingOptions, draw};

thread_local! {
    static N_ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        N_ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        N_ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// `E(x) = sum_j x_j^2 / 2`.
struct Normal(Space);

impl Energy for Normal {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        for j in 0..x.dim() {
            out.iter_mut().zip(x.real.col(j)).for_each(|(e, x)| *e += 0.5 * x * x);
        }
    }
}

impl Differentiable for Normal {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        self.grad(x, grad);
    }
    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        grad.as_mut_slice().copy_from_slice(x.real.as_slice());
    }
}

fn normal(support: Support) -> Normal {
    Normal(Space { reals: vec![support; 3], ..Space::real(3) })
}

fn allocations<E: Differentiable, K: Kernel<E>>(energy: &E, kernel: &K) -> u64 {
    let mut state = kernel.init(energy, Points::from_real(Matrix::from_fn(100, 3, |i, j| (i + j) as f64 / 100.0)));
    let mut rng = Streams::new(1, Run::Draws);
    let mut steps = |n: usize| {
        for _ in 0..n {
            kernel.step(energy, &mut state, &mut rng);
            rng.advance();
        }
    };
    steps(60);
    let before = N_ALLOCATIONS.with(Cell::get);
    steps(200);
    N_ALLOCATIONS.with(Cell::get) - before
}

fn assert_none<E: Differentiable>(energy: &E) {
    assert_eq!(allocations(energy, &Rwm::new(0.5)), 0, "rwm");
    assert_eq!(allocations(energy, &Ula::new(0.1)), 0, "ula");
    assert_eq!(allocations(energy, &Mala::new(0.5)), 0, "mala");
    assert_eq!(allocations(energy, &Hmc::new(0.3, 5)), 0, "hmc");
    assert_eq!(allocations(energy, &Nuts::new(0.3)), 0, "nuts");
    assert_eq!(allocations(energy, &Nuts { max_change: 0.05, ..Nuts::new(0.9) }), 0, "nuts that cuts steps");
    assert_eq!(allocations(energy, &Underdamped::new(0.3, 5, 1.0)), 0, "underdamped");
    assert_eq!(allocations(energy, &Underdamped::unadjusted(0.1, 5, 1.0)), 0, "unadjusted underdamped");
    assert_eq!(allocations(energy, &Slice::new(2.0)), 0, "slice");
    assert_eq!(allocations(energy, &Ensemble::new(10)), 0, "ensemble");
    let covariance = Matrix::from_fn(3, 3, |i, j| if i == j { 1.5 } else { 0.4 });
    let full = Gaussian::new(vec![0.0; 3], &covariance).unwrap();
    assert_eq!(allocations(energy, &Independence::new(full)), 0, "independence");
    assert_eq!(allocations(energy, &Independence::new(Gaussian::standard(3))), 0, "independence, diagonal");
}

#[test]
fn steps_allocate_nothing() {
    assert_none(&normal(Support::Real));
}

#[test]
fn steps_on_composed_energies_allocate_nothing() {
    assert_none(&Transformed::new(normal(Support::Interval(-1.0, 2.0))));
    let sum = Sum::new(normal(Support::Above(0.0)), Scaled::new(normal(Support::Above(0.0)), 0.5));
    assert_none(&Transformed::new(sum));
}

/// What a tempered run allocates does not depend on how long it is.
#[test]
fn iterations_of_tempering_allocate_nothing() {
    let energy = Scaled::new(normal(Support::Real), 4.0);
    let kernels = vec![Hmc::new(0.3, 3); 5];
    let replicas = Replicas::new(vec![Points::zeros(20, 3); 5]);
    let ladder = Ladder::new(Gaussian::standard(3), vec![0.0, 0.1, 0.3, 0.6, 1.0], kernels, replicas).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let allocations = |n_draws: usize| {
        let options = TemperingOptions { n_draws, block: 8, ..TemperingOptions::default() };
        pool.install(|| {
            let before = N_ALLOCATIONS.with(Cell::get);
            draw(&energy, &ladder, &options, &|_| {}).unwrap();
            N_ALLOCATIONS.with(Cell::get) - before
        })
    };
    allocations(10);
    assert_eq!(allocations(50), allocations(250));
}

/// The counter counts: an energy that allocates is found.
#[test]
fn an_allocating_energy_is_found() {
    struct Wasteful(Normal);
    impl Energy for Wasteful {
        fn space(&self) -> &Space {
            self.0.space()
        }
        fn energy(&self, x: &Points, out: &mut [f64]) {
            self.0.energy(&x.clone(), out);
        }
    }
    impl Differentiable for Wasteful {
        fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
            self.0.energy_grad(&x.clone(), e, grad);
        }
    }
    assert!(allocations(&Wasteful(normal(Support::Real)), &Mala::new(0.5)) >= 200);
}
