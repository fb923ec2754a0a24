//! Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy
//! as 1, 2, 3", section 3.3), one stream per chain.
//!
//! The key is made of the seed and of what the run is for; the counter is (element block, chain, page, page and
//! purpose). A chain's numbers therefore do not depend on the batch, block or thread it is computed in, a checkpoint is
//! one step number, and the first n draws of a longer run equal a run of n.
//!
//! One Philox call yields four words, hence four normals of f32 precision or two uniforms of 53 bits. A *page* is what
//! one call per chain (or, in more than four dimensions, several) yields: in one dimension a page serves four steps, in
//! two dimensions two, else one.

use crate::points::Matrix;
use crate::simd::simd_fn;

/// What a run is for; runs of different kinds under one seed are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Run {
    /// Short exploratory chains.
    Pilot = 1,
    /// Warm-up.
    WarmUp = 2,
    /// The draws themselves.
    Draws = 3,
    /// Training.
    Train = 4,
    /// Importance sampling.
    Importance = 5,
    /// Data splits and shuffles.
    Data = 6,
    /// Probing an energy (checks, minimisation).
    Probe = 7,
    /// Parallel tempering, all levels of the ladder.
    Tempering = 8,
}

/// What a number within a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Proposal noise.
    Proposal = 0,
    /// Accept or reject.
    Accept = 1,
    /// Starting points.
    Init = 2,
    /// Randomised lengths and choices within a step.
    Choice = 3,
    /// Restarts of persistent chains.
    Restart = 4,
    /// Shuffles.
    Shuffle = 5,
}

/// The streams of a block of chains, at one step.
#[derive(Clone, Debug)]
pub struct Streams {
    key: [u32; 2],
    first_chain: u32,
    step: u64,
    normals: Page<f32>,
    uniforms: Page<f64>,
}

/// The numbers of one page, kept so that the steps that share a page compute it once.
#[derive(Clone, Debug, Default)]
struct Page<T: Copy + Default> {
    id: Option<(Purpose, u64, u32, u32, usize, usize)>,
    values: Matrix<T>,
}

/// Independent numbers `(n, d)` of one step: column `j` holds element `j` of every chain.
#[derive(Clone, Copy)]
pub struct Numbers<'a, T: Copy + Default> {
    page: &'a Matrix<T>,
    first_col: usize,
    n: usize,
}

impl<'a, T: Copy + Default> Numbers<'a, T> {
    /// Element `j` of every chain.
    pub fn col(&self, j: usize) -> &'a [T] {
        &self.page.col(self.first_col + j)[..self.n]
    }
}

impl Streams {
    /// The streams of chains 0, 1, ... at step 0.
    pub fn new(seed: u64, run: Run) -> Self {
        let mixed = splitmix(seed ^ splitmix(run as u64));
        Self {
            key: [mixed as u32, (mixed >> 32) as u32],
            first_chain: 0,
            step: 0,
            normals: Page::default(),
            uniforms: Page::default(),
        }
    }

    /// The streams of the chains from `first_chain` on, at the same step.
    pub fn block(&self, first_chain: usize) -> Self {
        let first_chain = self.first_chain + first_chain as u32;
        Self { first_chain, normals: Page::default(), uniforms: Page::default(), ..*self }
    }

    /// The current step.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Jumps to a step.
    pub fn seek(&mut self, step: u64) {
        self.step = step;
    }

    /// Moves to another block of chains of the same run, at the same step; keeps the workspaces.
    pub fn set_first_chain(&mut self, first_chain: usize) {
        self.first_chain = first_chain as u32;
    }

    /// On to the next step.
    pub fn advance(&mut self) {
        self.step += 1;
    }

    /// Standard normals `(n, d)` of this step, of f32 precision (tails to 7.4 sd).
    pub fn normals(&mut self, purpose: Purpose, n: usize, d: usize) -> Numbers<'_, f32> {
        let (page, first_col) = page_of(self.step, d, 4);
        self.normal_page(purpose, page, 0, first_col, n, d)
    }

    /// Part `part` of the normals of this step, `(n, d)`: for kernels that need many of them in one step and not all at once.
    /// Parts are independent of each other and of [`Streams::normals`]. `part d` is below 2^32.
    pub fn normals_part(&mut self, purpose: Purpose, part: u32, n: usize, d: usize) -> Numbers<'_, f32> {
        let (page_of_step, first_col) = page_of(u64::from(part), d, 4);
        let first_block = (page_of_step * d.div_ceil(4) as u64) as u32 | 1 << 31;
        self.normal_page(purpose, self.step, first_block, first_col, n, d)
    }

    /// The page of normals with the element blocks from `first_block` on, computed unless it is there already.
    fn normal_page(
        &mut self,
        purpose: Purpose,
        page: u64,
        first_block: u32,
        first_col: usize,
        n: usize,
        d: usize,
    ) -> Numbers<'_, f32> {
        let id = Some((purpose, page, first_block, self.first_chain, n, d.div_ceil(4)));
        if self.normals.id != id {
            let n_padded = n.next_multiple_of(NARROW);
            let n_blocks = d.div_ceil(4).max(1);
            if (self.normals.values.n_rows(), self.normals.values.n_cols()) != (n_padded, 4 * n_blocks) {
                self.normals.values.reshape(n_padded, 4 * n_blocks);
            }
            let counter = Counter { chain: self.first_chain, page, purpose: purpose as u8 };
            fill_normals(self.key, counter, first_block, n_padded, n_blocks, self.normals.values.as_mut_slice());
            self.normals.id = id;
        }
        Numbers { page: &self.normals.values, first_col, n }
    }

    /// One uniform of this step in (0, 1) that all chains share, 53 bits.
    pub fn shared_uniform(&self, purpose: Purpose) -> f64 {
        let mut out = [0.0];
        self.uniforms_of(purpose, 0, &[u32::MAX.wrapping_sub(self.first_chain)], &mut out);
        out[0]
    }

    /// `out[k]` is uniform `element` of this step of chain `chains[k]` (counted within the block), in (0, 1), 53 bits: for
    /// kernels that need an unknown number of uniforms, or for some chains only. The elements are not those of
    /// [`Streams::uniforms`].
    pub fn uniforms_of(&self, purpose: Purpose, element: u32, chains: &[u32], out: &mut [f64]) {
        let counter = Counter { chain: self.first_chain, page: self.step, purpose: purpose as u8 | 0x80 };
        fill_uniforms_of(self.key, counter, element | 1 << 31, chains, out);
    }

    /// Uniforms `(n, d)` of this step, in the open interval (0, 1), 53 bits.
    pub fn uniforms(&mut self, purpose: Purpose, n: usize, d: usize) -> Numbers<'_, f64> {
        let (page, first_col) = page_of(self.step, d, 2);
        let id = Some((purpose, page, 0, self.first_chain, n, d.div_ceil(2)));
        if self.uniforms.id != id {
            let n_padded = n.next_multiple_of(NARROW);
            let n_blocks = d.div_ceil(2).max(1);
            if (self.uniforms.values.n_rows(), self.uniforms.values.n_cols()) != (n_padded, 2 * n_blocks) {
                self.uniforms.values.reshape(n_padded, 2 * n_blocks);
            }
            // Uniforms and normals of one purpose must not share words: the top bit of the purpose tells them apart.
            let counter = Counter { chain: self.first_chain, page, purpose: purpose as u8 | 0x80 };
            fill_uniforms(self.key, counter, n_padded, n_blocks, self.uniforms.values.as_mut_slice());
            self.uniforms.id = id;
        }
        Numbers { page: &self.uniforms.values, first_col, n }
    }
}

/// The page that serves `step` and the first column of that step in it, when a call yields `per_call` numbers.
fn page_of(step: u64, d: usize, per_call: usize) -> (u64, usize) {
    let steps_per_page = (per_call / d.max(1)).max(1) as u64;
    (step / steps_per_page, (step % steps_per_page) as usize * d)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): spreads seeds over keys.
fn splitmix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Chains computed together, while there are as many.
const WIDE: usize = 64;

/// Chains computed together of those that are left; rows of a page are padded to a multiple of it.
const NARROW: usize = 16;

/// Calls a function of tiles for `n` rows, a multiple of `NARROW`: wide tiles, then narrow ones.
macro_rules! over_tiles {
    ($n:expr, $tile:ident($($arg:expr),*)) => {{
        let wide = $n - $n % WIDE;
        for at in (0..wide).step_by(WIDE) {
            $tile::<WIDE>(at, $($arg),*);
        }
        for at in (wide..$n).step_by(NARROW) {
            $tile::<NARROW>(at, $($arg),*);
        }
    }};
}

/// Everything of the Philox counter but the element block: chain, page (56 bits) and purpose (8 bits).
#[derive(Clone, Copy)]
struct Counter {
    chain: u32,
    page: u64,
    purpose: u8,
}

impl Counter {
    /// The same for the chains from the `row`-th of these on.
    #[inline(always)]
    fn from(self, row: usize) -> Self {
        Self { chain: self.chain.wrapping_add(row as u32), ..self }
    }
}

/// Ten rounds of Philox4x32 on `T` consecutive chains. Words live in the low halves of 64-bit lanes, where one
/// 32 x 32 -> 64 multiplication is one instruction.
#[inline(always)]
fn philox<const T: usize>(key: [u32; 2], counter: Counter, block: u32) -> [[u32; T]; 4] {
    philox_of(key, counter, block, |lane| counter.chain.wrapping_add(lane as u32))
}

/// As [`philox`], of the chain that `chain` gives for each lane.
#[inline(always)]
fn philox_of<const T: usize>(
    key: [u32; 2],
    counter: Counter,
    block: u32,
    chain: impl Fn(usize) -> u32,
) -> [[u32; T]; 4] {
    const LOW: u64 = 0xffff_ffff;
    const M0: u64 = 0xD251_1F53;
    const M1: u64 = 0xCD9E_8D57;
    let mut words = [[0u32; T]; 4];
    for lane in 0..T {
        let mut c = [
            block as u64,
            chain(lane) as u64,
            counter.page & LOW,
            ((counter.page >> 32) & 0x00ff_ffff) | (counter.purpose as u64) << 24,
        ];
        let (mut k0, mut k1) = (key[0], key[1]);
        for _ in 0..10 {
            let p0 = (c[0] & LOW) * M0;
            let p1 = (c[2] & LOW) * M1;
            c = [(p1 >> 32) ^ c[1] ^ k0 as u64, p1, (p0 >> 32) ^ c[3] ^ k1 as u64, p0];
            c[1] &= LOW;
            c[3] &= LOW;
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        for w in 0..4 {
            words[w][lane] = c[w] as u32;
        }
    }
    words
}

/// Two normals of f32 precision from two words (Box and Muller 1958): radius from 39 bits, angle from 24.
///
/// Of `angle`, bits 10 to 31 are the angle within an octant pair, bit 9 the sign, bit 0 the axis, and bits 1 to 8 refine
/// the radius. The three polynomials are off by less than half a unit in the last place of f32.
#[inline(always)]
fn box_muller(radius: u32, angle: u32) -> (f32, f32) {
    // 2^31 u = high 31 bits + odd / 512, so u is in (0, 1], never 0, and the tail reaches sqrt(2 ln 2^40) = 7.4.
    let high = (radius >> 1) as i32 as f32;
    let odd = (angle & 0x1fe | 1) as i32 as f32;
    let u = odd.mul_add(1.0 / 512.0, high);
    // u = 2^exponent (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); the exponent's 31 is taken off in the same subtraction.
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let shifted = u.to_bits().wrapping_sub(SQRT_HALF + (31 << 23));
    let exponent = ((shifted as i32) >> 23) as f32;
    let f = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF)) - 1.0;
    // -2 ln(1 + f) / f by its minimax polynomial of degree 8: relative error 2.6e-8.
    let mut q = -0.174_443_58f32;
    for c in [
        0.287_333_46f32,
        -0.299_045_22,
        0.331_248_41,
        -0.399_136_74,
        0.500_041_46,
        -0.666_683_71,
        0.999_999_76,
        -1.999_999_95,
    ] {
        q = q.mul_add(f, c);
    }
    let r = exponent.mul_add(-2.0 * std::f32::consts::LN_2, f * q).sqrt();
    // t in (-pi/4, pi/4); then one bit swaps the axes and one flips the sign.
    const UNIT: f32 = std::f32::consts::FRAC_PI_4 / 2_097_152.0;
    let t = ((angle as i32 >> 10) as f32).mul_add(UNIT, 0.5 * UNIT);
    let t2 = t * t;
    let mut s = -1.951_529_6e-4f32;
    for k in [8.332_161e-3f32, -1.666_665_4e-1] {
        s = s.mul_add(t2, k);
    }
    let s = (s * t2).mul_add(t, t);
    let mut c = 2.443_315_7e-5f32;
    for k in [-1.388_731_6e-3f32, 4.166_664_6e-2, -0.5, 1.0] {
        c = c.mul_add(t2, k);
    }
    let r = f32::from_bits(r.to_bits() | (angle & 0x200) << 22);
    let (a, b) = if angle & 1 != 0 { (s, c) } else { (c, s) };
    (r * a, r * b)
}

simd_fn! {
    /// Fills columns `4 b .. 4 b + 4` of the page with the normals of element block `first_block + b`.
    fn fill_normals(key: [u32; 2], counter: Counter, first_block: u32, n: usize, n_blocks: usize, out: &mut [f32]) {
        for b in 0..n_blocks {
            let columns = &mut out[4 * b * n..4 * (b + 1) * n];
            over_tiles!(n, normal_tile(key, counter, first_block + b as u32, n, columns));
        }
    }
}

/// Four columns of normals, `T` rows from `at` on; the columns have `n` rows.
#[inline(always)]
fn normal_tile<const T: usize>(at: usize, key: [u32; 2], counter: Counter, block: u32, n: usize, columns: &mut [f32]) {
    let w = philox::<T>(key, counter.from(at), block);
    let (first, second) = columns.split_at_mut(2 * n);
    box_muller_tile(&w[0], &w[1], first, n, at);
    box_muller_tile(&w[2], &w[3], second, n, at);
}

/// Two columns of normals, `T` rows from `at` on, from two words a row; the columns have `n` rows.
#[inline(always)]
fn box_muller_tile<const T: usize>(radius: &[u32; T], angle: &[u32; T], columns: &mut [f32], n: usize, at: usize) {
    let (a, b) = columns.split_at_mut(n);
    let (a, b) = (&mut a[at..at + T], &mut b[at..at + T]);
    for lane in 0..T {
        (a[lane], b[lane]) = box_muller(radius[lane], angle[lane]);
    }
}

simd_fn! {
    /// Fills columns `2 b, 2 b + 1` of the page with the uniforms of element block `b`: (53 bits + 1/2) 2^-53.
    fn fill_uniforms(key: [u32; 2], counter: Counter, n: usize, n_blocks: usize, out: &mut [f64]) {
        for b in 0..n_blocks {
            let columns = &mut out[2 * b * n..2 * (b + 1) * n];
            over_tiles!(n, uniform_tile(key, counter, b as u32, n, columns));
        }
    }
}

/// Two columns of uniforms, `T` rows from `at` on; the columns have `n` rows.
#[inline(always)]
fn uniform_tile<const T: usize>(at: usize, key: [u32; 2], counter: Counter, block: u32, n: usize, columns: &mut [f64]) {
    let w = philox::<T>(key, counter.from(at), block);
    for k in 0..2 {
        let out = &mut columns[k * n + at..k * n + at + T];
        for lane in 0..T {
            out[lane] = unit_interval(w[2 * k][lane], w[2 * k + 1][lane]);
        }
    }
}

/// (53 bits + 1/2) 2^-53 from two words.
#[inline(always)]
fn unit_interval(high: u32, low: u32) -> f64 {
    // 52 bits placed in the mantissa of [1, 2); the 53rd bit is the half step, so 0 and 1 never occur.
    let bits = (high as u64) << 20 | (low >> 12) as u64;
    let half = ((low >> 11) & 1) as i32 as f64;
    let one_two = f64::from_bits(0x3ff0_0000_0000_0000 | bits);
    (one_two - 1.0) + (half + 0.5) * (1.0 / (1u64 << 53) as f64)
}

simd_fn! {
    /// One uniform of element block `block` for each of `chains`.
    fn fill_uniforms_of(key: [u32; 2], counter: Counter, block: u32, chains: &[u32], out: &mut [f64]) {
        let wide = chains.len() - chains.len() % WIDE;
        for (chains, out) in chains[..wide].chunks(WIDE).zip(out[..wide].chunks_mut(WIDE)) {
            uniforms_of_tile::<WIDE>(key, counter, block, chains, out);
        }
        for (chains, out) in chains[wide..].chunks(NARROW).zip(out[wide..].chunks_mut(NARROW)) {
            uniforms_of_tile::<NARROW>(key, counter, block, chains, out);
        }
    }
}

/// One uniform for each of at most `T` chains.
#[inline(always)]
fn uniforms_of_tile<const T: usize>(key: [u32; 2], counter: Counter, block: u32, chains: &[u32], out: &mut [f64]) {
    let mut ids = [0u32; T];
    ids[..chains.len()].copy_from_slice(chains);
    let w = philox_of::<T>(key, counter, block, |lane| counter.chain.wrapping_add(ids[lane]));
    let mut all = [0.0f64; T];
    for lane in 0..T {
        all[lane] = unit_interval(w[0][lane], w[1][lane]);
    }
    out.copy_from_slice(&all[..out.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn philox_words(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
        let at = Counter {
            chain: counter[1],
            page: counter[2] as u64 | ((counter[3] & 0xff_ffff) as u64) << 32,
            purpose: (counter[3] >> 24) as u8,
        };
        let w = philox::<NARROW>(key, at, counter[0]);
        [w[0][0], w[1][0], w[2][0], w[3][0]]
    }

    /// Parts of one step are new numbers each, the same whatever the block and whichever was asked for before.
    #[test]
    fn parts_of_normals_are_addressed() {
        for d in [1, 2, 3, 5] {
            let mut rng = Streams::new(3, Run::Draws);
            let read = |rng: &mut Streams, part: u32| {
                let z = rng.normals_part(Purpose::Proposal, part, 70, d);
                (0..d).flat_map(|j| z.col(j)[5..70].to_vec()).collect::<Vec<f32>>()
            };
            let parts: Vec<Vec<f32>> = (0..9).map(|k| read(&mut rng, k)).collect();
            let whole = rng.normals(Purpose::Proposal, 70, d);
            let whole: Vec<f32> = (0..d).flat_map(|j| whole.col(j)[5..70].to_vec()).collect();
            let mut all: Vec<f32> = parts.iter().flatten().chain(&whole).copied().collect();
            let n_all = all.len();
            all.sort_by(f32::total_cmp);
            all.dedup();
            // Of 33 bits or so, a few coincide by chance.
            assert!(all.len() + 3 > n_all, "{d}: {} of {n_all}", all.len());
            assert_eq!(read(&mut rng, 3), parts[3]);
            let mut block = rng.block(5);
            let z = block.normals_part(Purpose::Proposal, 7, 65, d);
            assert_eq!((0..d).flat_map(|j| z.col(j).to_vec()).collect::<Vec<f32>>(), parts[7]);
            rng.advance();
            assert_ne!(read(&mut rng, 3), parts[3]);
        }
    }

    /// Known answers of the authors' Random123 library.
    #[test]
    fn philox_known_answers() {
        assert_eq!(philox_words([0, 0], [0; 4]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox_words([!0, !0], [!0; 4]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox_words([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    fn many_normals(n_steps: u64, n: usize, d: usize) -> Vec<f64> {
        let mut rng = Streams::new(7, Run::Draws);
        let mut out = Vec::new();
        for _ in 0..n_steps {
            let z = rng.normals(Purpose::Proposal, n, d);
            for j in 0..d {
                out.extend(z.col(j).iter().map(|z| f64::from(*z)));
            }
            rng.advance();
        }
        out
    }

    /// Moments within 4 standard errors, the whole distribution by Kolmogorov and Smirnov, the tails by counts.
    #[test]
    fn normals_are_normal() {
        let mut z = many_normals(1000, 1000, 3);
        let n = z.len() as f64;
        let moment = |k: i32| z.iter().map(|z| z.powi(k)).sum::<f64>() / n;
        for (k, exact, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0)]
        {
            let score = (moment(k) - exact) / (variance / n).sqrt();
            assert!(score.abs() < 4.0, "moment {k}: z = {score}");
        }
        for (tail, p) in [(2.0, 0.045500264), (3.0, 2.6997961e-3), (4.0, 6.3342484e-5), (5.0, 5.7330314e-7)] {
            let count = z.iter().filter(|z| z.abs() > tail).count() as f64;
            let score = (count - n * p) / (n * p).sqrt();
            assert!(score.abs() < 4.0, "beyond {tail}: {count}, expected {}", n * p);
        }
        z.sort_by(f64::total_cmp);
        let cdf = |x: f64| 0.5 * (1.0 + crate::math::erf(x / std::f64::consts::SQRT_2));
        let ks = crate::diagnostics::ks_statistic(&z, cdf) * n.sqrt();
        assert!(ks < 1.95, "Kolmogorov-Smirnov {ks}: p below 0.001");
    }

    /// The largest radius, the smallest, and the accuracy of both polynomials against the definition.
    #[test]
    fn box_muller_reaches_the_tails_and_is_accurate() {
        let (a, b) = box_muller(0, 0);
        let r = f64::from(a).hypot(f64::from(b));
        assert!((r - (2.0 * 40.0 * std::f64::consts::LN_2).sqrt()).abs() < 1e-5, "largest radius {r}");
        let (a, b) = box_muller(u32::MAX, u32::MAX);
        assert!(a.is_finite() && b.is_finite() && a.hypot(b) < 1e-3);
        let mut state = 1u32;
        for _ in 0..200_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (radius, angle) = (state, state.rotate_left(13).wrapping_mul(2_654_435_761));
            let (a, b) = box_muller(radius, angle);
            let u = (f64::from(radius >> 1) + f64::from(angle & 0x1fe | 1) / 512.0) / (1u64 << 31) as f64;
            let r = f64::from(a).hypot(f64::from(b));
            let exact = (-2.0 * u.ln()).sqrt();
            assert!((r - exact).abs() < 4e-7 * (1.0 + exact) + 1e-7 / exact.max(1e-3), "{u}: {r} against {exact}");
            let t = (f64::from(angle as i32 >> 10) + 0.5) * std::f64::consts::FRAC_PI_4 / 2_097_152.0;
            let sign = if angle & 0x200 == 0 { r } else { -r };
            let (along, across) = (sign * t.cos(), sign * t.sin());
            let (exact_a, exact_b) = if angle & 1 == 0 { (along, across) } else { (across, along) };
            for (z, exact) in [(a, exact_a), (b, exact_b)] {
                assert!((f64::from(z) - exact).abs() < 4e-7 * (1.0 + exact.abs()), "{t}: {z} against {exact}");
            }
        }
    }

    #[test]
    fn uniforms_are_uniform_and_open() {
        let mut rng = Streams::new(3, Run::Draws);
        let mut u = Vec::new();
        for _ in 0..300 {
            u.extend_from_slice(rng.uniforms(Purpose::Accept, 1000, 1).col(0));
            rng.advance();
        }
        let n = u.len() as f64;
        assert!(u.iter().all(|u| *u > 0.0 && *u < 1.0));
        u.sort_by(f64::total_cmp);
        let ks = crate::diagnostics::ks_statistic(&u, |x| x) * n.sqrt();
        assert!(ks < 1.95, "Kolmogorov-Smirnov {ks}");
    }

    /// A chain's numbers depend on its id and the step, not on how many chains are computed with it or from where.
    #[test]
    fn numbers_belong_to_chain_and_step() {
        for d in [1, 2, 3, 4, 5, 9] {
            let mut all = Streams::new(1, Run::Draws);
            for step in 0..7 {
                let mut block = Streams::new(1, Run::Draws).block(100);
                block.seek(step);
                let z = all.normals(Purpose::Proposal, 300, d);
                let zb = block.normals(Purpose::Proposal, 37, d);
                for j in 0..d {
                    assert_eq!(&z.col(j)[100..137], zb.col(j), "d = {d}, step {step}");
                }
                let u = all.uniforms(Purpose::Accept, 300, d);
                let ub = block.uniforms(Purpose::Accept, 37, d);
                for j in 0..d {
                    assert_eq!(&u.col(j)[100..137], ub.col(j), "d = {d}, step {step}");
                }
                all.advance();
            }
        }
    }

    /// Neighbouring steps, elements, chains, purposes, runs and seeds are uncorrelated and unequal.
    #[test]
    fn streams_are_separate() {
        let n = 40_000;
        let column = |seed: u64, run: Run, purpose: Purpose, chain: usize, step: u64, j: usize| {
            let mut rng = Streams::new(seed, run).block(chain);
            rng.seek(step);
            rng.normals(purpose, n, 3).col(j).iter().map(|z| f64::from(*z)).collect::<Vec<_>>()
        };
        let base = column(1, Run::Draws, Purpose::Proposal, 0, 0, 0);
        let others = [
            column(2, Run::Draws, Purpose::Proposal, 0, 0, 0),
            column(1, Run::WarmUp, Purpose::Proposal, 0, 0, 0),
            column(1, Run::Draws, Purpose::Init, 0, 0, 0),
            column(1, Run::Draws, Purpose::Proposal, 1, 0, 0),
            column(1, Run::Draws, Purpose::Proposal, 0, 1, 0),
            column(1, Run::Draws, Purpose::Proposal, 0, 1 << 32, 0),
            column(1, Run::Draws, Purpose::Proposal, 0, 0, 1),
            column(1, Run::Draws, Purpose::Proposal, 0, 0, 2),
        ];
        for (k, other) in others.iter().enumerate() {
            let r = base.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / (n as f64).sqrt();
            assert!(r.abs() < 4.0, "stream {k}: correlation z = {r}");
            assert!(base.iter().zip(other).filter(|(a, b)| a == b).count() < 10, "stream {k} repeats numbers");
        }
    }
}
