//! Files on disk: what numpy wrote, what we write ourselves, and the shared data where they are there.

use std::io::Write;
use std::path::PathBuf;

use gibbsite::points::Matrix;
use gibbsite::table::{DataError, ReadOptions, Table, write_csv, write_npy, write_npz};

fn all() -> ReadOptions {
    ReadOptions::default()
}

fn fixture(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn shared(name: &str) -> Option<String> {
    let root = std::env::var_os("GIBBSITE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path.to_string_lossy().into_owned())
}

/// `tests/data/dtypes.npz` was written by numpy 2.4: [[0, 1, 2], [3, 100, 5]] in every type and byte order.
#[test]
fn every_numeric_type_of_numpy() {
    let file = fixture("dtypes.npz");
    for order in ["le", "be"] {
        for dtype in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"] {
            let table = Table::read(&format!("{file}:{order}_{dtype}"), &all()).unwrap();
            assert_eq!(table.columns.as_slice(), [0.0, 3.0, 1.0, 100.0, 2.0, 5.0], "{order} {dtype}");
            assert_eq!(table.names, ["x1", "x2", "x3"]);
        }
        let table = Table::read(&format!("{file}:{order}_b1"), &all()).unwrap();
        assert_eq!(table.columns.as_slice(), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }
    let table = Table::read(&format!("{file}:fortran"), &all()).unwrap();
    assert_eq!(table.columns.as_slice(), [-0.5, 2.5, 0.5, 99.5, 1.5, 4.5]);
    let cube = Table::read(&format!("{file}:cube"), &all()).unwrap();
    let shape = Table::array_shape(&format!("{file}:cube")).unwrap().unwrap();
    assert!(shape.len() == 3 && shape[0] == cube.n_rows() && shape[1] * shape[2] == cube.n_cols());
    assert_eq!((cube.n_rows(), cube.n_cols()), (2, 12));
    assert_eq!(cube.columns.row(1), (12..24).map(f64::from).collect::<Vec<_>>());
    assert_eq!(Table::read(&format!("{file}:fcube"), &all()).unwrap().columns, cube.columns);
    let line = Table::read(&format!("{file}:line"), &all()).unwrap();
    assert_eq!((line.names, line.columns.as_slice()), (vec!["x".to_string()], &[0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0][..]));
    let bits = Table::read(&format!("{file}:bits:bits=9"), &all()).unwrap();
    assert_eq!(bits.columns.row(0), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(bits.columns.row(1), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn arrays_that_cannot_be_data_say_why() {
    let file = fixture("refused.npz");
    let says = |spec: &str| {
        let e = Table::read(&format!("{file}{spec}"), &all()).expect_err(spec);
        (e.to_string().replace(&file, "F"), e.hint().unwrap_or_default().replace(&file, "F"))
    };
    for (key, message) in [
        (":obj", "F:obj: has elements of type \"|O\", which are not real numbers"),
        (":text", "F:text: has elements of type \"<U2\", which are not real numbers"),
        (":complex", "F:complex: has elements of type \"<c16\", which are not real numbers"),
        (":record", "F:record: has elements of type [('a', '<f8'), ('b', '<i4')], which are not real numbers"),
        (":when", "F:when: has elements of type \"<M8[D]\", which are not real numbers"),
        (":scalar", "F:scalar: holds a single number (shape ()), not rows"),
        (":empty", "F:empty: has 3 columns but no rows"),
        (":holes", "F:holes, row 1, column 2 \"x2\": the value is missing (2 missing in all, in 2 of 2 rows)"),
        (":hols", "F: has no array \"hols\""),
        ("", "F: holds 8 arrays; say which"),
    ] {
        assert_eq!(says(key).0, message);
    }
    assert!(says(":hols").1.starts_with("did you mean \"holes\"? the arrays are obj ("), "{}", says(":hols").1);
    assert!(says("").1.contains("empty float64[0, 3], holes float64[2, 2]"), "{}", says("").1);
    let dtypes = fixture("dtypes.npz");
    for spec in ["bits:bits=8", "bits:bits=17", "bits:bits=0", "le_f8:bits=3"] {
        let e = Table::read(&format!("{dtypes}:{spec}"), &all()).expect_err(spec);
        assert!(matches!(e, DataError::Bits { .. }), "{e}");
    }
}

#[test]
fn what_is_written_reads_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let values =
        [0.1, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0 / 3.0, 1e16, 123456789.123456789, -1e-5, 2.0, 1e300, 7.0];
    let rows = Matrix::from_fn(4, 3, |i, j| values[3 * i + j]);
    let same = |spec: String| {
        let read = Table::read(&spec, &all()).unwrap().columns;
        let bits = |m: &Matrix<f64>| m.as_slice().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&rows), "{spec}");
    };
    write_csv(path("a.csv"), &["a,b", "say \"c\"", "d"], &rows).unwrap();
    same(path("a.csv"));
    assert_eq!(Table::read(&path("a.csv"), &all()).unwrap().names, ["a,b", "say \"c\"", "d"]);
    write_npy(path("a.npy"), &[4, 3], &values).unwrap();
    same(path("a.npy"));
    write_npz(path("a.npz"), &[("X", &[4, 3], &values), ("y", &[4], &values[..4])]).unwrap();
    same(path("a.npz:X"));
    same(path("a.npz:X.npy"));
    let first = std::fs::read(path("a.npz")).unwrap();
    write_npz(path("a.npz"), &[("X", &[4, 3], &values), ("y", &[4], &values[..4])]).unwrap();
    assert_eq!(std::fs::read(path("a.npz")).unwrap(), first, "equal arrays give equal bytes");

    // The same by gzip, and under a name with colons.
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&std::fs::read(path("a.csv")).unwrap()).unwrap();
    std::fs::write(path("a:b.csv.gz"), gz.finish().unwrap()).unwrap();
    same(path("a:b.csv.gz"));
    std::fs::rename(path("a.npz"), path("c:d.npz")).unwrap();
    same(path("c:d.npz:X"));

    assert!(matches!(write_npy(path("b.npy"), &[4, 4], &values), Err(DataError::Shape { .. })));
    assert!(matches!(write_csv(path("b.csv"), &["a"], &rows), Err(DataError::Shape { .. })));
    assert!(matches!(write_npy(path("no/b.npy"), &[12], &values), Err(DataError::Write { .. })));
}

#[test]
fn labels_from_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    write_npz(path("a.npz"), &[("X", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), ("y", &[3], &[0.0, 1.0, 1.0])])
        .unwrap();
    std::fs::write(path("y.csv"), "class\ngood\nbad\ngood\n").unwrap();
    std::fs::write(path("two.csv"), "1,2\n3,4\n5,6\n").unwrap();
    std::fs::write(path("short.csv"), "1\n2\n").unwrap();
    let read = |label: &str| {
        Table::read(&path("a.npz:X"), &ReadOptions { label: Some(label.into()), ..all() }).map(|t| t.label.unwrap())
    };
    assert_eq!(read(&path("a.npz:y")).unwrap().values, [0.0, 1.0, 1.0]);
    let label = read(&path("y.csv")).unwrap();
    assert_eq!((label.name, label.values), ("class".to_string(), vec![1.0, 0.0, 1.0]));
    assert_eq!(read("x2").unwrap().values, [2.0, 4.0, 6.0]);
    assert!(matches!(read(&path("two.csv")), Err(DataError::LabelColumns { n_columns: 2, .. })));
    assert!(matches!(read(&path("short.csv")), Err(DataError::LabelRows { n_label: 2, n_rows: 3, .. })));
    assert!(matches!(read("absent.csv"), Err(DataError::NotFound { .. })));
    assert!(matches!(read("x3"), Err(DataError::UnknownColumn { .. })));
}

#[test]
fn damage_and_strange_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    write_npz(path("a.npz"), &[("X", &[4], &[1.0, 2.0, 3.0, 4.0])]).unwrap();
    let good = std::fs::read(path("a.npz")).unwrap();
    // One byte of the data changed: the checksum tells.
    let mut bad = good.clone();
    let at = good.windows(8).position(|w| w == 3f64.to_le_bytes()).unwrap();
    bad[at] ^= 1;
    std::fs::write(path("a.npz"), &bad).unwrap();
    let e = Table::read(&path("a.npz"), &all()).unwrap_err();
    assert!(e.to_string().contains("cannot be unpacked"), "{e}");
    std::fs::write(path("a.npz"), &good[..good.len() - 9]).unwrap();
    assert!(matches!(Table::read(&path("a.npz"), &all()), Err(DataError::Zip { .. })));

    write_npy(path("b.npy"), &[4], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let mut npy = std::fs::read(path("b.npy")).unwrap();
    npy.extend(b"garbage");
    std::fs::write(path("b.npy"), &npy).unwrap();
    assert_eq!(Table::read(&path("b.npy"), &all()).unwrap().n_rows(), 4, "trailing bytes are ignored, as numpy does");
    std::fs::write(path("b.npy"), &npy[..npy.len() - 8]).unwrap();
    let e = Table::read(&path("b.npy"), &all()).unwrap_err().to_string();
    assert!(e.ends_with("is cut short: shape [4] of float64 needs 32 bytes, at most 31 are there"), "{e}");
    std::fs::write(path("b.npy"), "1,2\n").unwrap();
    let e = Table::read(&path("b.npy"), &all()).unwrap_err().to_string();
    assert!(e.ends_with("is not an NPY file (its first bytes are wrong)"), "{e}");

    std::fs::write(path("c.parquet"), "PAR1").unwrap();
    assert!(matches!(Table::read(&path("c.parquet"), &all()), Err(DataError::Parquet { .. })));
    let e = Table::read(&path("none.npz:X"), &all()).unwrap_err();
    assert!(e.to_string().ends_with("none.npz:X: no such file"), "{e}");
    assert!(matches!(Table::read(&path(""), &all()), Err(DataError::Read { .. })));
    std::fs::write(path("d.csv"), "1\n2\n").unwrap();
    assert!(matches!(Table::read(&path("d.csv:X"), &all()), Err(DataError::BadOption { .. })));
    assert!(matches!(Table::read(&path("d.csv:bits=3"), &all()), Err(DataError::BadOption { .. })));
}

#[test]
fn idx_images() {
    let mut file = vec![0, 0, 8, 3];
    for d in [2u32, 2, 3] {
        file.extend(d.to_be_bytes());
    }
    file.extend(0..12u8);
    let read = |bytes: &[u8]| Table::from_bytes("t-ubyte", bytes.to_vec(), None, None, &all());
    let table = read(&file).unwrap();
    assert_eq!(table.columns.row(1), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert!(read(&file[..file.len() - 1]).unwrap_err().to_string().contains("cut short"));
    assert!(read(&file[..9]).unwrap_err().to_string().contains("cut short within its header"));
    assert!(read(b"hello").unwrap_err().to_string().contains("not an IDX file"));
}

#[test]
fn shared_data() {
    if let Some(file) = shared("refs/faithful.csv") {
        let table = Table::read(&file, &all()).unwrap();
        assert_eq!((table.n_rows(), table.names.as_slice()), (272, &["eruptions".to_string(), "waiting".into()][..]));
        let [eruptions, waiting] = &table.summary()[..] else { panic!("two columns") };
        assert_eq!((eruptions.min, eruptions.max, waiting.min, waiting.max), (1.6, 5.1, 43.0, 96.0));
        // R: colMeans(faithful).
        assert!((eruptions.mean - 3.487783).abs() < 1e-6 && (waiting.mean - 70.89706).abs() < 1e-5);
    }
    if let Some(file) = shared("data/tabular/iris.npz") {
        let table =
            Table::read(&format!("{file}:X"), &ReadOptions { label: Some(format!("{file}:y")), ..all() }).unwrap();
        assert_eq!((table.n_rows(), table.n_cols(), table.columns.row(0)), (150, 4, vec![5.1, 3.5, 1.4, 0.2]));
        assert_eq!(table.label.unwrap().values.iter().sum::<f64>(), 150.0);
    }
    if let Some(file) = shared("data/images/mnist_binarized_salakhutdinov.npz") {
        let table = Table::read(&format!("{file}:x_test:bits=784"), &all()).unwrap();
        assert_eq!((table.n_rows(), table.n_cols()), (10_000, 784));
        assert!(table.columns.as_slice().iter().all(|&v| v == 0.0 || v == 1.0));
        // By numpy: unpackbits(x_test, axis=1).sum().
        assert_eq!(table.columns.as_slice().iter().sum::<f64>(), 1_038_371.0);
    }
    if let Some(file) = shared("data/images/mnist.npz") {
        let e = Table::read(&file, &all()).unwrap_err();
        assert!(e.hint().unwrap().contains("x_train uint8[60000, 28, 28]"), "{:?}", e.hint());
        let table = Table::read(&format!("{file}:x_test"), &all()).unwrap();
        // By numpy: x_test[0].sum() and x_test.sum().
        assert_eq!((table.n_cols(), table.columns.row(0).iter().sum::<f64>()), (784, 18454.0));
        assert_eq!(table.columns.as_slice().iter().sum::<f64>(), 264_923_200.0);
    }
}
