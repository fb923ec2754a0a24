//! Text whose columns are separated by runs of spaces, as `numpy.savetxt` and many instruments write it.

/// The character that begins a line of comment.
pub(super) const COMMENT: u8 = b'#';

/// Lines that are looked at to tell the layout.
const LINES: usize = 10;

/// The text with each run of spaces made one, if its columns are separated by spaces: the first lines have no other
/// separator and no quotes, equally many words (two or more), and all but the first, which may be a header, hold numbers
/// only.
pub(super) fn squeeze(bytes: &[u8]) -> Option<Vec<u8>> {
    let lines = bytes.split(|&c| c == b'\n' || c == b'\r').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|l| !l.is_empty() && l[0] != COMMENT).take(LINES).collect();
    let words = |line: &[u8]| line.split(|&c| c == b' ').filter(|w| !w.is_empty()).count();
    let is_number = |w: &[u8]| std::str::from_utf8(w).is_ok_and(|w| w.parse::<f64>().is_ok());
    let numbers = |line: &[u8]| line.split(|&c| c == b' ').filter(|w| !w.is_empty()).all(is_number);
    let (first, rest) = lines.split_first()?;
    let plain = lines.iter().all(|l| !l.iter().any(|c| b",;\t\"".contains(c)));
    let regular = words(first) > 1 && rest.iter().all(|l| words(l) == words(first) && numbers(l));
    if !plain || !regular || (rest.is_empty() && !numbers(first)) {
        return None;
    }
    let mut squeezed = Vec::with_capacity(bytes.len());
    let (mut starts, mut space) = (true, false);
    for &c in bytes {
        let ends = c == b'\n' || c == b'\r';
        if c == b' ' {
            space = !starts;
            continue;
        }
        if space && !ends {
            squeezed.push(b' ');
        }
        (starts, space) = (ends, false);
        squeezed.push(c);
    }
    Some(squeezed)
}

#[cfg(test)]
mod tests {
    use super::squeeze;

    #[test]
    fn only_regular_numbers_are_separated_by_spaces() {
        let text = |t: &str| squeeze(t.as_bytes()).map(|t| String::from_utf8(t).unwrap());
        assert_eq!(text("a b\n 1  2 \r\n3 4").unwrap(), "a b\n1 2\r\n3 4");
        assert_eq!(text("# made by hand, today\n1 2\n").unwrap(), "# made by hand, today\n1 2\n");
        for other in
            ["1\n2\n", "body mass\n1\n2\n", "a b\n1 x\n", "1, 2\n3, 4\n", "a b\n", "\"a b\" c\n1 2\n", "", "  \n"]
        {
            assert_eq!(text(other), None, "{other:?}");
        }
    }
}
