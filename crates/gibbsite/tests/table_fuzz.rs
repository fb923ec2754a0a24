//! No file panics a reader, and whatever is read is a valid table. A few thousand cases each time; the tests named
//! `fuzz_` run 100,000 for each reader.

use std::io::Write;

use gibbsite::points::Matrix;
use gibbsite::table::{ReadOptions, Table, write_csv, write_npy, write_npz};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Fixed seed, `cases` cases.
fn run<S: Strategy>(cases: u32, strategy: S, check: impl FnMut(S::Value)) {
    let check = std::cell::RefCell::new(check);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |value| {
        (check.borrow_mut())(value);
        Ok(())
    });
    if let Err(e) = outcome {
        panic!("{e}");
    }
}

/// Reads `bytes` under a few options. Counts the tables that were read; each of them must keep what a table promises.
fn read(name: &str, bytes: &[u8], key: Option<&str>, bits: Option<usize>) -> usize {
    let options = [
        ReadOptions::default(),
        ReadOptions { columns: Some(vec!["a".into()]), ..Default::default() },
        ReadOptions { ignore: vec!["x1".into()], label: Some("x2".into()), ..Default::default() },
    ];
    let mut n_read = 0;
    for options in &options {
        match Table::from_bytes(name, bytes.to_vec(), key, bits, options) {
            Ok(table) => {
                n_read += 1;
                assert!(table.n_rows() > 0 && table.n_cols() > 0 && table.names.len() == table.n_cols());
                assert_eq!(table.columns.n_rows(), table.n_rows());
                assert!(table.columns.as_slice().iter().all(|v| v.is_finite()));
                let mut names = table.names.clone();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), table.n_cols());
                assert!(table.label.is_none_or(|l| l.values.iter().all(|v| v.is_finite())));
            }
            Err(e) => assert!(!e.to_string().is_empty() && e.hint().is_none_or(|h| !h.is_empty())),
        }
    }
    n_read
}

/// Changes to a file: bytes overwritten, a part cut out, the end cut off.
fn damage() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, u8)>> {
    vec((0..6u8, any::<prop::sample::Index>(), any::<u8>()), 1..5)
}

fn damaged(good: &[u8], changes: &[(u8, prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for (kind, at, value) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match kind {
            0 | 1 => bytes[at] = *value,
            2 => bytes[at] ^= 1 << (value % 8),
            3 => bytes.insert(at, *value),
            4 => bytes.truncate(at),
            _ => drop(bytes.drain(at..(at + usize::from(value % 16)).min(bytes.len()))),
        }
    }
    bytes
}

fn written(name: &str, write: impl FnOnce(&std::path::Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path);
    std::fs::read(path).unwrap()
}

/// Rows of cells, most of them numbers and as many as in the other rows, of one separator and line ending.
fn csv_text() -> impl Strategy<Value = String> {
    let odd = vec![
        "", "a", "b", "x1", "\"", "\"\"", "\"q\n\"", "NA", "nan", "inf", "1e999", "é", "\u{feff}", "-", "\r", "1,5",
    ];
    let cell = prop_oneof![
        30 => prop::sample::select(vec!["1", " 2.5 ", "-3e4", "\"7\"", "0"]),
        1 => prop::sample::select(odd),
    ];
    let header = prop::sample::select(vec!["", "a,b,c", "x2;x1;a", "a\ta\tb"]);
    let separator = prop::sample::select(vec![",", ";", "\t"]);
    let ending = prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r"]);
    (1..4usize, header, separator, ending, vec(vec(cell, 3), 0..6), 0..20usize).prop_map(
        |(width, header, separator, ending, rows, ragged)| {
            let row = |(i, cells): (usize, &Vec<&str>)| cells[..if i == ragged { 2 } else { width }].join(separator);
            let header = header.split([',', ';', '\t']).take(width).collect::<Vec<_>>().join(separator);
            [header].into_iter().chain(rows.iter().enumerate().map(row)).collect::<Vec<_>>().join(ending)
        },
    )
}

fn csv(cases: u32) {
    run(cases / 4, vec(any::<u8>(), 0..200), |bytes| _ = read("f.csv", &bytes, None, None));
    let mut n_read = 0;
    run(cases / 4, csv_text(), |text| n_read += read("f.csv", text.as_bytes(), None, None));
    assert!(n_read > cases as usize / 200, "only {n_read} tables were read: the cases are too wild to test much");
    let good = b"a,b,c\r\n1,2,3\r\n4,\"5\",6\r\n7,8e1,-9\r\n";
    run(cases / 4, damage(), |d| _ = read("f.csv", &damaged(good, &d), None, None));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(good).unwrap();
    let gz = gz.finish().unwrap();
    run(cases / 4, damage(), |d| _ = read("f.csv.gz", &damaged(&gz, &d), None, None));
}

fn npy(cases: u32) {
    run(cases / 4, vec(any::<u8>(), 0..200), |bytes| _ = read("f.npy", &bytes, None, None));
    let headed = (1..4u8, vec(any::<u8>(), 0..100))
        .prop_map(|(version, rest)| [b"\x93NUMPY", &[version, 0][..], &rest].concat());
    run(cases / 4, headed, |bytes| _ = read("f.npy", &bytes, None, None));
    let good = written("f.npy", |p| write_npy(p, &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
    let mut n_read = 0;
    run(cases / 4, damage(), |d| n_read += read("f.npy", &damaged(&good, &d), None, None));
    assert!(n_read > 0);
    // Headers of every type, with shapes that agree with the data or not.
    let dtype = prop::sample::select(vec!["<f8", ">f4", "<f2", "|u1", "|b1", "<i8", ">u2", "|i1", "|O", "<c8", "<U3"]);
    let d = prop_oneof![0..4usize, Just(usize::MAX), Just(1 << 62)];
    let header = (dtype, any::<bool>(), vec(d, 0..4), vec(any::<u8>(), 0..64), prop::option::of(0..40usize));
    let mut n_read = 0;
    run(cases / 4, header, |(dtype, fortran, shape, data, bits)| {
        let shape: String = shape.iter().map(|d| format!("{d},")).collect();
        let fortran = if fortran { "True" } else { "False" };
        let header = format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n");
        let bytes = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat();
        n_read += read("f.npy", &bytes, None, bits);
    });
    assert!(n_read > cases as usize / 200, "only {n_read} tables were read");
}

fn npz(cases: u32) {
    run(cases / 4, vec(any::<u8>(), 0..200), |bytes| {
        _ = read("f.npz", &[b"PK\x03\x04", &bytes[..]].concat(), None, None)
    });
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let one = written("f.npz", |p| write_npz(p, &[("X", &[3, 2], &values)]).unwrap());
    let two = written("f.npz", |p| write_npz(p, &[("X", &[3, 2], &values), ("y", &[6], &values)]).unwrap());
    let numpy = include_bytes!("data/dtypes.npz");
    let mut n_read = 0;
    run(cases / 4, damage(), |d| n_read += read("f.npz", &damaged(&one, &d), None, None));
    assert!(n_read > 0);
    run(cases / 4, damage(), |d| _ = read("f.npz", &damaged(&two, &d), Some("y"), None));
    run(cases / 4, damage(), |d| _ = read("f.npz", &damaged(numpy, &d), Some("bits"), Some(9)));
}

fn idx(cases: u32) {
    let d = prop_oneof![8 => 0..4u32, 1 => Just(u32::MAX)];
    let file = (0..16u8, vec(d, 0..5), vec(any::<u8>(), 0..100));
    let mut n_read = 0;
    run(cases, file, |(kind, dims, data)| {
        let dims_bytes: Vec<u8> = dims.iter().flat_map(|d| d.to_be_bytes()).collect();
        n_read += read("f-ubyte", &[&[0, 0, kind, dims.len() as u8][..], &dims_bytes, &data].concat(), None, None);
    });
    assert!(n_read > cases as usize / 200, "only {n_read} tables were read");
}

#[test]
fn csv_readers_do_not_panic() {
    csv(4000);
}

#[test]
fn npy_reader_does_not_panic() {
    npy(4000);
}

#[test]
fn npz_reader_does_not_panic() {
    npz(4000);
}

#[test]
fn idx_reader_does_not_panic() {
    idx(2000);
}

#[test]
fn any_finite_matrix_survives_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let number = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite());
    run(300, (1..4usize, vec(number, 12)), |(n_cols, values)| {
        let rows = Matrix::from_columns(12 / n_cols, n_cols, values);
        let names: Vec<String> = (0..n_cols).map(|j| format!("c{j}")).collect();
        write_csv(&path, &names, &rows).unwrap();
        let back = Table::read(path.to_str().unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(back.names, names);
        for (a, b) in back.columns.as_slice().iter().zip(rows.as_slice()) {
            assert_eq!(a.to_bits(), b.to_bits());
        }
    });
}

#[test]
#[ignore = "100,000 cases"]
fn fuzz_csv() {
    csv(100_000);
}

#[test]
#[ignore = "100,000 cases"]
fn fuzz_npy() {
    npy(100_000);
}

#[test]
#[ignore = "100,000 cases"]
fn fuzz_npz() {
    npz(100_000);
}

#[test]
#[ignore = "100,000 cases"]
fn fuzz_idx() {
    idx(100_000);
}
