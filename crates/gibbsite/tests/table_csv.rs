//! CSV files: what is read, and what every error says.

use gibbsite::table::{DataError, ReadOptions, Table};

fn read_with(text: &str, options: &ReadOptions) -> Result<Table, DataError> {
    Table::from_bytes("f.csv", text.as_bytes().to_vec(), None, None, options)
}

fn read(text: &str) -> Table {
    read_with(text, &ReadOptions::default()).unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

/// Message and hint.
fn error(text: &str) -> (String, String) {
    let e = read_with(text, &ReadOptions::default()).expect_err(text);
    (e.to_string(), e.hint().unwrap_or_default())
}

fn options(columns: &[&str], ignore: &[&str], label: Option<&str>) -> ReadOptions {
    let owned = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    ReadOptions {
        columns: (!columns.is_empty()).then(|| owned(columns)),
        ignore: owned(ignore),
        label: label.map(Into::into),
    }
}

#[test]
fn the_same_table_in_many_spellings() {
    let expected = read("a,b\n1,2\n3,-4.5e-3\n");
    assert_eq!(expected.names, ["a", "b"]);
    assert_eq!(expected.column("b").unwrap(), [2.0, -4.5e-3]);
    assert_eq!((expected.n_rows(), expected.n_cols(), expected.points().dim()), (2, 2, 2));
    for text in [
        "a,b\r\n1,2\r\n3,-4.5e-3\r\n",
        "a,b\r1,2\r3,-4.5e-3",
        "\u{feff}a,b\n1,2\n3,-4.5e-3",
        "a;b\n1;2\n3;-4.5e-3\n",
        "a b\n1 2\n3 -4.5e-3\n",
        "  a    b\n  1    2\r\n  3   -4.5e-3  \n",
        "# one; \"two;\"\n# three;\na;b\n1;2\n3;-4.5e-3\n",
        "# one, \"two\"; 3\na,b\n1,2\n#x\n3,-4.5e-3\n",
        "a\tb\n1\t2\n3\t-4.5e-3\n",
        "\n\na,b\n\n1,2\n   \n3,-4.5e-3\n\n\n",
        "\"a\",\"b\"\n\"1\",2\n3,\"-4.5e-3\"\n",
        " a , b \n 1 , +2 \n3.0,-.0045",
    ] {
        assert_eq!(Table { notes: Vec::new(), ..read(text) }, expected, "{text:?}");
    }
}

#[test]
fn what_looks_like_a_numeric_header_is_noted() {
    for (text, noted) in [
        ("2019\n10.1\n9.8\n", true),
        ("0,1,2\n0.5,1,7\n1,2,3\n", true),
        ("year,2020\n1,2\n", true),
        ("10\n10.1\n9.8\n", false),
        ("2019\n2020\n2021\n", false),
        ("0,1\n1,0\n", false),
        ("x\n10.1\n", false),
    ] {
        let table = read(text);
        assert_eq!(table.notes.len(), usize::from(noted), "{text:?}: {:?}", table.notes);
    }
    assert_eq!(read("2019\n10.1\n9.8\n").n_rows(), 3);
}

#[test]
fn what_is_left_out_is_noted() {
    for (text, notes) in [
        ("\n\na,b\n1,2\n3,4\n\n", vec![]),
        ("a,b\r\n1,2\r\n3,4\r\n", vec![]),
        ("a,b\n1,2\n\n  \n3,4\n", vec!["f.csv: 2 blank lines are left out"]),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n", vec!["f.csv: 1 blank line is left out"]),
        ("# c\n1 2\n# d\n3 4\n", vec!["f.csv: 2 comment lines are left out"]),
    ] {
        assert_eq!(read(text).notes, notes, "{text:?}");
    }
    // Lines are counted as an editor does.
    assert!(error("# c\r\n#d\r\na,b\r\n1,2\r\n\r\n#e\r\n3,x\r\n4,y\r\n").0.starts_with("f.csv, line 7 (data row 2)"));
}

#[test]
fn columns_are_named_or_numbered() {
    let names = |columns: &[&str], ignore: &[&str]| {
        read_with("b,1,a\n1,2,3\n4,5,6\n", &options(columns, ignore, None)).map(|t| t.names)
    };
    assert_eq!(names(&["3", "b"], &[]).unwrap(), ["a", "b"]);
    assert_eq!(names(&["1"], &[]).unwrap(), ["1"], "a name comes before a number");
    assert_eq!(names(&[], &["2"]).unwrap(), ["b", "a"]);
    for wrong in ["0", "4", "-1", "1.0"] {
        assert!(matches!(names(&[wrong], &[]), Err(DataError::UnknownColumn { .. })), "{wrong}");
    }
    assert!(matches!(names(&["3", "a"], &[]), Err(DataError::RepeatedColumn { .. })));
    let bare = read_with("1,2\n3,4\n", &options(&["2"], &[], None)).unwrap();
    assert_eq!(bare.names, ["x2"]);
    let (_, hint) = error("\"name, full\",b\nx,2\ny,4\n");
    assert!(hint.ends_with("--ignore '\"name, full\"'"), "{hint}");
}

#[test]
fn headers_are_told_from_data() {
    for (text, names, n_rows) in [
        ("1\n2\n", &["x"][..], 2),
        ("1,2\n3,4\n", &["x1", "x2"], 2),
        ("x\n1\n", &["x"], 1),
        ("2019,2020\n1,2\n", &["x1", "x2"], 2),
        ("year,2020\n1,2\n", &["year", "2020"], 1),
        (",b\n1,2\n", &["x1", "b"], 1),
        ("\"a,b\",\"say \"\"c\"\"\"\n1,2\n", &["a,b", "say \"c\""], 1),
    ] {
        let table = read(text);
        assert_eq!(
            (table.names.iter().map(String::as_str).collect::<Vec<_>>(), table.n_rows()),
            (names.to_vec(), n_rows)
        );
    }
    // Text in every row of a column is no header: the first row of iris.data must not be lost.
    let iris = "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n6.0,2.2,Iris-virginica\n";
    let table = read_with(iris, &options(&[], &[], Some("x3"))).unwrap();
    assert_eq!((table.n_rows(), table.n_cols()), (3, 2));
    let label = table.label.unwrap();
    assert_eq!(label.classes, ["Iris-setosa", "Iris-virginica"]);
    assert_eq!(label.values, [0.0, 0.0, 1.0]);
}

#[test]
fn columns_are_selected_before_they_are_parsed() {
    let text = "id,a,when,b,y\nu1,1,monday,2,0\nu2,3,,4,1\n";
    for chosen in [options(&["a", "b"], &[], None), options(&[], &["id", "when", "y"], None)] {
        let table = read_with(text, &chosen).unwrap();
        assert_eq!(table.names, ["a", "b"]);
        assert_eq!(table.columns.as_slice(), [1.0, 3.0, 2.0, 4.0]);
    }
    let table = read_with(text, &options(&["b", "a"], &[], Some("y"))).unwrap();
    assert_eq!(table.names, ["b", "a"]);
    assert_eq!(table.label.as_ref().unwrap().values, [0.0, 1.0]);
    assert_eq!(table.select_rows(&[1]).label.unwrap().values, [1.0]);

    let says = |o: ReadOptions| {
        let e = read_with(text, &o).expect_err("refused");
        (e.to_string(), e.hint().unwrap_or_default())
    };
    assert_eq!(
        says(options(&["whem"], &[], None)),
        ("f.csv: has no column \"whem\"".into(), "did you mean \"when\"? the columns are id, a, when, b, y".into())
    );
    assert_eq!(says(options(&[], &["ID"], None)).1, "did you mean \"id\"? the columns are id, a, when, b, y");
    assert_eq!(says(options(&[], &[], Some("z"))).0, "f.csv: has no column \"z\"");
    assert_eq!(says(options(&["a", "a"], &[], None)).0, "f.csv: column \"a\" is selected twice");
    assert_eq!(says(options(&["a"], &["a"], None)).0, "f.csv: no column is left to use");
}

#[test]
fn errors_name_line_row_column_and_remedy() {
    for (text, message, hint) in [
        (
            "a,b\n1,2\n\n3,4\n5,oops\n",
            "f.csv, line 5 (data row 3), column 2 \"b\": \"oops\" is not a number",
            "correct this cell, or leave the column out with --ignore b",
        ),
        (
            "a,b\n1,u\n2,v\n",
            "f.csv, line 2 (data row 1), column 2 \"b\": \"u\" is not a number",
            "2 of 2 cells of this column are not numbers: leave it out with --ignore b",
        ),
        (
            "\r\na,b\r\n1,2\r\n\r\nNA,4\r\n5,\r\n,nan\r\n7,8\r\n",
            "f.csv, line 5 (data row 2), column 1 \"a\": the value is missing (4 missing in all, in 3 of 5 rows)",
            "fill in or remove the rows, or leave the column out with --ignore a",
        ),
        (
            "1\n2\ninf\n",
            "f.csv, line 3 (data row 3), column 1 \"x\": \"inf\" is not finite",
            "remove the row, or leave the column out with --ignore x",
        ),
        (
            "1\r1e999\r",
            "f.csv, line 2 (data row 2), column 1 \"x\": \"1e999\" is not finite",
            "remove the row, or leave the column out with --ignore x",
        ),
        (
            "a,b\n1,2\n3\n",
            "f.csv, line 3 (data row 2): has 1 cells, where 2 are expected",
            "quote cells that contain the separator, as in \"a,b\"",
        ),
        (
            "a,b\n1,2\n\"3,4\n5,6\n",
            "f.csv, line 3 (data row 2): has 1 cells, where 2 are expected",
            "a quote that opens in this row may never be closed",
        ),
        (
            "a;b\n1;2,5\n2;3\n",
            "f.csv, line 2 (data row 1), column 2 \"b\": \"2,5\" is not a number",
            "numbers have a decimal point; if \"b\" is not a number, --ignore b",
        ),
        (
            "x\n1 2\n",
            "f.csv, line 2 (data row 1), column 1 \"x\": \"1 2\" is not a number",
            "separate columns by commas; with spaces, every row needs as many numbers as the header has names",
        ),
        ("a,b,a\n1,2,3\n", "f.csv: columns 1 and 3 are both named \"a\"", "rename one of them in the header"),
        ("", "f.csv: is empty", "each line after the header is one data point"),
        ("\n \r\n", "f.csv: is empty", "each line after the header is one data point"),
        ("a,b\n", "f.csv: has 2 columns but no rows", "each line after the header is one data point"),
    ] {
        assert_eq!(error(text), (message.into(), hint.into()), "{text:?}");
    }
    // Numbers with a quoted line break before them: the line is still what an editor shows.
    let (message, _) = error("a,b\n\"1\n\",2\n3,x\n4,5\n");
    assert!(message.starts_with("f.csv, line 4 (data row 2), column 2"), "{message}");
    let utf16 = Table::from_bytes("f.csv", b"\xff\xfea\0\n\0".to_vec(), None, None, &ReadOptions::default());
    assert!(utf16.unwrap_err().to_string().contains("UTF-16"));
    let binary = Table::from_bytes("f.csv", vec![1, 0, 2], None, None, &ReadOptions::default());
    assert!(binary.unwrap_err().to_string().contains("binary"));
}

#[test]
#[ignore = "a measurement, to run with --release --nocapture"]
fn speed_of_one_column() {
    let text: String = (0..5000).map(|i| format!("{}\n", (i as f64 * 0.7).sin() * 3.0)).collect();
    let seconds: Vec<f64> = (0..50)
        .map(|_| {
            let bytes = text.as_bytes().to_vec();
            let start = std::time::Instant::now();
            let table = Table::from_bytes("f.csv", bytes, None, None, &ReadOptions::default()).unwrap();
            assert_eq!(table.n_rows(), 5000);
            start.elapsed().as_secs_f64()
        })
        .collect();
    println!(
        "5000 x 1 CSV: first {:.3} ms, fastest {:.3} ms",
        seconds[0] * 1e3,
        seconds.iter().fold(9.0f64, |a, &b| a.min(b)) * 1e3
    );
}
