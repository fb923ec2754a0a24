//! Batches of states. A batch is a column-major matrix: coordinate `j` of all chains is one contiguous slice, so
//! element-wise steps are straight SIMD loops over chains.

use std::fmt;
use std::sync::Arc;

use aligned_vec::{AVec, ConstAlign};

/// A dense column-major matrix `(n_rows, n_cols)`; rows are chains or data points, columns are coordinates.
#[derive(Clone, PartialEq)]
pub struct Matrix<T> {
    n_rows: usize,
    n_cols: usize,
    data: AVec<T, ConstAlign<64>>,
}

impl<T> Default for Matrix<T> {
    fn default() -> Self {
        Self { n_rows: 0, n_cols: 0, data: AVec::new(64) }
    }
}

impl<T: Copy + Default> Matrix<T> {
    /// A matrix filled with `T::default()`.
    pub fn new(n_rows: usize, n_cols: usize) -> Self {
        Self { n_rows, n_cols, data: aligned(n_rows * n_cols) }
    }

    /// Element `(i, j)` is `f(i, j)`.
    pub fn from_fn(n_rows: usize, n_cols: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let mut m = Self::new(n_rows, n_cols);
        for j in 0..n_cols {
            for (i, v) in m.col_mut(j).iter_mut().enumerate() {
                *v = f(i, j);
            }
        }
        m
    }

    /// Takes column-major data of length `n_rows * n_cols`.
    ///
    /// # Panics
    /// If the length does not match.
    pub fn from_columns(n_rows: usize, n_cols: usize, data: Vec<T>) -> Self {
        assert_eq!(data.len(), n_rows * n_cols, "column-major data must have n_rows * n_cols elements");
        Self { n_rows, n_cols, data: AVec::from_slice(64, &data) }
    }

    /// Number of rows (chains, data points).
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns (coordinates).
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Column `j`: coordinate `j` of every row.
    pub fn col(&self, j: usize) -> &[T] {
        &self.data[j * self.n_rows..(j + 1) * self.n_rows]
    }

    /// Column `j`, mutable.
    pub fn col_mut(&mut self, j: usize) -> &mut [T] {
        &mut self.data[j * self.n_rows..(j + 1) * self.n_rows]
    }

    /// All elements, column after column.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All elements, column after column, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// Element `(i, j)`.
    pub fn get(&self, i: usize, j: usize) -> T {
        self.data[j * self.n_rows + i]
    }

    /// Sets element `(i, j)`.
    pub fn set(&mut self, i: usize, j: usize, value: T) {
        self.data[j * self.n_rows + i] = value;
    }

    /// Row `i` as a new vector.
    pub fn row(&self, i: usize) -> Vec<T> {
        (0..self.n_cols).map(|j| self.get(i, j)).collect()
    }

    /// Copies row `i` of `from` into row `to` of this matrix.
    pub fn copy_row(&mut self, to: usize, from: &Self, i: usize) {
        for j in 0..self.n_cols {
            self.set(to, j, from.get(i, j));
        }
    }

    /// Copies the rows `rows` of `from` into the rows `to` of this matrix.
    pub fn copy_rows(&mut self, to: &[usize], from: &Self, rows: &[usize]) {
        for j in 0..self.n_cols {
            let (col, from) = (self.col_mut(j), from.col(j));
            for (to, row) in to.iter().zip(rows) {
                col[*to] = from[*row];
            }
        }
    }

    /// The rows `rows` (in that order) as a new matrix.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self::from_fn(rows.len(), self.n_cols, |i, j| self.get(rows[i], j))
    }

    /// The contiguous rows `first..first + n` as a new matrix.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        let mut m = Self::new(n, self.n_cols);
        for j in 0..self.n_cols {
            m.col_mut(j).copy_from_slice(&self.col(j)[first..first + n]);
        }
        m
    }

    /// Changes the shape in place and sets every element to the default; allocates only when it grows.
    pub fn reshape(&mut self, n_rows: usize, n_cols: usize) {
        self.n_rows = n_rows;
        self.n_cols = n_cols;
        self.data.clear();
        self.data.resize(n_rows * n_cols, T::default());
    }

    /// Changes the number of rows in place; what the elements then hold is not defined. Allocates only when it grows.
    pub fn resize_rows(&mut self, n_rows: usize) {
        self.n_rows = n_rows;
        self.data.resize(n_rows * self.n_cols, T::default());
    }

    /// Keeps the rows `rows` (increasing) and drops the others, in place.
    pub fn keep_rows(&mut self, rows: &[usize]) {
        let n = self.n_rows;
        let mut to = 0;
        for j in 0..self.n_cols {
            for i in rows {
                self.data[to] = self.data[j * n + i];
                to += 1;
            }
        }
        self.n_rows = rows.len();
        self.data.truncate(to);
    }

    /// Swaps row `i` with row `j` of `other`.
    pub fn swap_rows(&mut self, i: usize, other: &mut Self, j: usize) {
        for c in 0..self.n_cols {
            std::mem::swap(&mut self.col_mut(c)[i], &mut other.col_mut(c)[j]);
        }
    }
}

/// Defaults that begin at a cache line, so that vectors of a column do not straddle two.
fn aligned<T: Copy + Default>(len: usize) -> AVec<T, ConstAlign<64>> {
    let mut data = AVec::with_capacity(64, len);
    data.resize(len, T::default());
    data
}

impl<T: fmt::Debug> fmt::Debug for Matrix<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matrix({}x{}, column-major) ", self.n_rows, self.n_cols)?;
        f.debug_list().entries(self.data.iter().take(64)).finish()
    }
}

/// `n` states of one space: real coordinates `(n, d_real)` and labels `(n, d_label)`; either may have no columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Real coordinates, `(n, d_real)`.
    pub real: Matrix<f64>,
    /// Labels, `(n, d_label)`, each below the arity of its column.
    pub label: Matrix<u8>,
}

impl Points {
    /// `n` points at the origin of `R^dim`.
    pub fn zeros(n: usize, dim: usize) -> Self {
        Self::from_real(Matrix::new(n, dim))
    }

    /// Real points.
    pub fn from_real(real: Matrix<f64>) -> Self {
        let label = Matrix::new(real.n_rows(), 0);
        Self { real, label }
    }

    /// Points of labels alone.
    pub fn from_labels(label: Matrix<u8>) -> Self {
        Self { real: Matrix::new(label.n_rows(), 0), label }
    }

    /// Real points from rows of equal length.
    ///
    /// # Panics
    /// If the rows differ in length.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Self {
        let dim = rows.first().map_or(0, |r| r.as_ref().len());
        assert!(rows.iter().all(|r| r.as_ref().len() == dim), "rows must have equal length");
        Self::from_real(Matrix::from_fn(rows.len(), dim, |i, j| rows[i].as_ref()[j]))
    }

    /// Number of points.
    pub fn n(&self) -> usize {
        self.real.n_rows()
    }

    /// Number of real coordinates.
    pub fn dim(&self) -> usize {
        self.real.n_cols()
    }

    /// Number of coordinates, labels included.
    pub fn n_coordinates(&self) -> usize {
        self.real.n_cols() + self.label.n_cols()
    }

    /// What the coordinates of point `i` are, real ones first, then the values of its labels.
    pub fn values(&self, i: usize, space: &Space) -> Vec<f64> {
        let labels = space.labels.iter().enumerate().map(|(j, values)| values.get(self.label.get(i, j)));
        self.real.row(i).into_iter().chain(labels).collect()
    }

    /// Puts a row of others in the place of row `to`.
    pub fn copy_row(&mut self, to: usize, from: &Self, i: usize) {
        self.real.copy_row(to, &from.real, i);
        self.label.copy_row(to, &from.label, i);
    }

    /// Room for `n` points with as many coordinates.
    pub fn room(&self, n: usize) -> Self {
        Self { real: Matrix::new(n, self.real.n_cols()), label: Matrix::new(n, self.label.n_cols()) }
    }

    /// The rows `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { real: self.real.select(rows), label: self.label.select(rows) }
    }

    /// The contiguous rows `first..first + n`.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        Self { real: self.real.rows(first, n), label: self.label.rows(first, n) }
    }
}

/// Where one real coordinate lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// The whole line.
    Real,
    /// `x > lower`.
    Above(f64),
    /// `x < upper`.
    Below(f64),
    /// `lower < x < upper`.
    Interval(f64, f64),
}

impl Support {
    /// The support between two ends, either of which may be infinite.
    pub fn between(lower: f64, upper: f64) -> Self {
        match (lower.is_finite(), upper.is_finite()) {
            (false, false) => Support::Real,
            (true, false) => Support::Above(lower),
            (false, true) => Support::Below(upper),
            (true, true) => Support::Interval(lower, upper),
        }
    }

    /// Lower end, `-inf` when there is none.
    pub fn lower(self) -> f64 {
        match self {
            Support::Above(a) | Support::Interval(a, _) => a,
            Support::Real | Support::Below(_) => f64::NEG_INFINITY,
        }
    }

    /// Upper end, `+inf` when there is none.
    pub fn upper(self) -> f64 {
        match self {
            Support::Below(b) | Support::Interval(_, b) => b,
            Support::Real | Support::Above(_) => f64::INFINITY,
        }
    }

    /// Whether `x` lies inside (ends included).
    pub fn contains(self, x: f64) -> bool {
        self.lower() <= x && x <= self.upper()
    }
}

/// The values of one discrete coordinate, 2 to 256 of them; a label is a place among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(Arc<[f64]>);

impl Values {
    /// Values in the order of their labels; `None` unless there are 2 to 256, all finite and different.
    pub fn new(values: &[f64]) -> Option<Self> {
        let differ = |i: usize| !values[..i].contains(&values[i]);
        let usable = values.iter().all(|v| v.is_finite()) && (0..values.len()).all(differ);
        (usable && (2..=256).contains(&values.len())).then(|| Self(values.into()))
    }

    /// 0 and 1.
    pub fn bits() -> Self {
        Self([0.0, 1.0].into())
    }

    /// -1 and 1.
    pub fn spins() -> Self {
        Self([-1.0, 1.0].into())
    }

    /// `0, 1, ..., q - 1`.
    ///
    /// # Panics
    /// Unless q is 2 to 256.
    pub fn count(q: usize) -> Self {
        assert!((2..=256).contains(&q), "{q} values, where 2 to 256 are possible");
        Self((0..q).map(|v| v as f64).collect())
    }

    /// How many there are.
    pub fn arity(&self) -> usize {
        self.0.len()
    }

    /// The value of a label.
    pub fn get(&self, label: u8) -> f64 {
        self.0[usize::from(label)]
    }

    /// The label of a value.
    pub fn label_of(&self, value: f64) -> Option<u8> {
        self.0.iter().position(|v| *v == value).map(|label| label as u8)
    }

    /// All of them.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// The space an energy is defined on: supports of the real coordinates, values of the labels, names of both.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Space {
    /// Support of each real coordinate.
    pub reals: Vec<Support>,
    /// Values of each label.
    pub labels: Vec<Values>,
    /// Names of the coordinates, reals first.
    pub names: Vec<String>,
}

impl Space {
    /// `R^dim` with names `x` (one dimension) or `x1, x2, ...`.
    pub fn real(dim: usize) -> Self {
        let names = if dim == 1 { vec!["x".into()] } else { (1..=dim).map(|j| format!("x{j}")).collect() };
        Self { reals: vec![Support::Real; dim], labels: Vec::new(), names }
    }

    /// `d` labels of these values with names `s1, s2, ...`.
    pub fn labelled(d: usize, values: &Values) -> Self {
        let names = (1..=d).map(|j| format!("s{j}")).collect();
        Self { reals: Vec::new(), labels: vec![values.clone(); d], names }
    }

    /// Number of real coordinates.
    pub fn dim(&self) -> usize {
        self.reals.len()
    }

    /// Number of coordinates, labels included.
    pub fn n_coordinates(&self) -> usize {
        self.reals.len() + self.labels.len()
    }

    /// Number of states of the labels, infinite beyond the range of floating-point numbers.
    pub fn n_states(&self) -> f64 {
        self.labels.iter().map(|v| v.arity() as f64).product()
    }

    /// Whether every real coordinate ranges over the whole line.
    pub fn is_unbounded(&self) -> bool {
        self.reals.iter().all(|s| *s == Support::Real)
    }
}
