use gibbsite::energy::formula::Formula;
use gibbsite::kernel::{Hmc, Nuts};
use gibbsite::points::Points;
use gibbsite::run::{RunOptions, sample, initial_points_with_gradient};
use std::time::Instant;
fn main() {
    let texts: Vec<(usize, String)> = vec![
        (10, (1..=9).map(|i| format!("100*(x{}-x{}^2)^2/20+(1-x{})^2/20", i+1, i, i)).collect::<Vec<_>>().join("+")),
        (32, (1..=16).map(|i| format!("x{a}^4-6*x{a}^2-0.5*x{a}+x{b}^2/2", a=2*i-1, b=2*i)).collect::<Vec<_>>().join("+")),
        (100, (1..=100).map(|i| format!("x{i}^2/2+log(1+x{i}^2)+0.1*x{i}*x{}", i%100+1)).collect::<Vec<_>>().join("+")),
    ];
    for (d, text) in texts {
        let f = Formula::parse(&text).unwrap();
        let x: Points = initial_points_with_gradient(&f, 256, 1).unwrap();
        for block in [16, 32, 64, 128] {
            let o = RunOptions { n_draws: 100, n_warmup: 200, block, ..RunOptions::default() };
            for name in ["nuts", "hmc"] {
                let mut best = f64::INFINITY;
                for _ in 0..3 {
                    let t = Instant::now();
                    let n = if name == "nuts" { sample(&f, &Nuts::new(0.1), x.clone(), &o, &|_| {}).unwrap().info.n_evals } else { sample(&f, &Hmc::new(0.1, 8), x.clone(), &o, &|_| {}).unwrap().info.n_evals };
                    best = best.min(t.elapsed().as_secs_f64() / n as f64 * 1e9);
                }
                println!("{d} {block} {name} {best:.1} (includes warm-up)");
            }
        }
    }
}
