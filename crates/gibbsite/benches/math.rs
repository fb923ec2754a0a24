//! Nanoseconds per element of each elementary function over a slice of 1024, beside the standard library's.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gibbsite::math::slice;
use std::hint::black_box;

const N: usize = 1024;

type Slice = fn(&[f64], &mut [f64]);
type Scalar = fn(f64) -> f64;

fn bench(c: &mut Criterion) {
    let unary: [(&str, Slice, Scalar, f64, f64); 13] = [
        ("exp", slice::exp, f64::exp, -10.0, 10.0),
        ("exp_m1", slice::exp_m1, f64::exp_m1, -10.0, 10.0),
        ("ln", slice::ln, f64::ln, 0.01, 100.0),
        ("ln_1p", slice::ln_1p, f64::ln_1p, -0.9, 10.0),
        ("sin", slice::sin, f64::sin, -10.0, 10.0),
        ("cos", slice::cos, f64::cos, -10.0, 10.0),
        ("tan", slice::tan, f64::tan, -10.0, 10.0),
        ("sinh", slice::sinh, f64::sinh, -10.0, 10.0),
        ("cosh", slice::cosh, f64::cosh, -10.0, 10.0),
        ("tanh", slice::tanh, f64::tanh, -5.0, 5.0),
        // The standard library has no erf, softplus or logistic: the last two from its exp and ln_1p.
        ("erf", slice::erf, |x| x, -4.0, 4.0),
        ("softplus", slice::softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), -10.0, 10.0),
        ("logistic", slice::logistic, |x| 1.0 / (1.0 + (-x).exp()), -10.0, 10.0),
    ];
    let grid = |low: f64, high: f64| -> Vec<f64> {
        // A golden-ratio sequence: no order for a branch predictor to learn.
        (0..N).map(|i| low + (high - low) * (i as f64 * 0.618_033_988_749_894_9).fract()).collect()
    };
    let mut y = vec![0.0; N];
    for (name, ours, std, low, high) in unary {
        let x = grid(low, high);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(N as u64));
        group.bench_function("gibbsite", |b| b.iter(|| ours(black_box(&x), &mut y)));
        if name != "erf" {
            group.bench_function("std", |b| {
                b.iter(|| black_box(&mut y).iter_mut().zip(black_box(&x)).for_each(|(y, x)| *y = std(*x)));
            });
        }
        group.finish();
    }

    let (x, p) = (grid(0.1, 5.0), grid(-3.0, 3.0));
    let mut group = c.benchmark_group("pow");
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("gibbsite", |b| b.iter(|| slice::pow(black_box(&x), black_box(&p), &mut y)));
    group.bench_function("std", |b| {
        b.iter(|| {
            black_box(&mut y).iter_mut().zip(black_box(&x).iter().zip(&p)).for_each(|(y, (x, p))| *y = x.powf(*p))
        });
    });
    group.finish();

    let mut group = c.benchmark_group("powi 4");
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("gibbsite", |b| b.iter(|| slice::powi(black_box(&x), black_box(4), &mut y)));
    group.bench_function("std", |b| {
        b.iter(|| black_box(&mut y).iter_mut().zip(black_box(&x)).for_each(|(y, x)| *y = x.powi(black_box(4))));
    });
    group.finish();

    let mut group = c.benchmark_group("log_sum_exp");
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("gibbsite", |b| b.iter(|| gibbsite::math::log_sum_exp(black_box(&x))));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
