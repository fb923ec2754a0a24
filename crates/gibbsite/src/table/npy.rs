//! The NPY format of numpy, versions 1 to 3: magic, version, length, a Python dictionary with type, order and shape,
//! then the raw data. Source: numpy, `numpy/lib/format.py` ("NEP 1, a simple file format for numpy arrays").

use std::io::{self, Read};

use super::array::{Array, Layout, Scalar};

/// The first bytes of every NPY file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Headers above this length are refused; numpy writes about 100 bytes.
const MAX_HEADER: u64 = 1 << 20;

/// What is wrong with an array file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The first bytes are not those of the format.
    #[error("is not an {kind} file (its first bytes are wrong)")]
    Magic {
        /// The format expected.
        kind: &'static str,
    },
    /// A version of the format that does not exist.
    #[error("is NPY version {major}.{minor}; versions 1 to 3 are known")]
    Version {
        /// First number.
        major: u8,
        /// Second number.
        minor: u8,
    },
    /// A header that is not the dictionary it should be.
    #[error("has a broken header at byte {at}: {expected} expected")]
    Syntax {
        /// Byte within the header, from 0.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A header above the limit.
    #[error("has a header of {n_bytes} bytes, more than the limit of {limit}")]
    LongHeader {
        /// Its length.
        n_bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A type of element that is not a number.
    #[error("has elements of type {dtype}, which are not real numbers")]
    Dtype {
        /// The type, as the file names it.
        dtype: String,
    },
    /// One number without a dimension.
    #[error("holds a single number (shape ()), not rows")]
    ZeroDimensional,
    /// A shape whose data cannot lie in the file.
    #[error("is cut short: shape {shape:?} of {dtype} needs {} bytes, at most {available} are there", bytes(*.needed))]
    Truncated {
        /// The shape.
        shape: Vec<usize>,
        /// The type of an element.
        dtype: &'static str,
        /// Bytes that the shape needs; `None` above 2^64.
        needed: Option<u64>,
        /// Bytes after the header.
        available: u64,
    },
    /// The header itself is cut short.
    #[error("is cut short within its header")]
    TruncatedHeader,
    /// Decompression or the checksum failed.
    #[error("cannot be unpacked: {0}")]
    Unpack(io::Error),
}

fn bytes(n: Option<u64>) -> String {
    n.map_or("over 2^64".into(), |n| n.to_string())
}

impl HeaderError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Dtype { dtype } if dtype.contains('O') => {
                "save numbers, e.g. numpy.save(F, numpy.asarray(a, dtype=float))".into()
            }
            Self::Dtype { dtype } if dtype.contains('c') => {
                "save real and imaginary parts as columns of their own".into()
            }
            Self::Dtype { dtype } if dtype.starts_with('[') => {
                "save the fields as columns, e.g. numpy.column_stack([a[f] for f in a.dtype.names])".into()
            }
            Self::Dtype { .. } => "save it as float64, e.g. numpy.save(F, a.astype(float))".into(),
            Self::ZeroDimensional => "save an array with at least one dimension".into(),
            Self::Truncated { .. } | Self::TruncatedHeader | Self::Unpack(_) => {
                "copy or download the file again".into()
            }
            _ => "write it again with numpy.save".into(),
        })
    }
}

/// Reads the header; `reader` then stands at the data.
pub(super) fn read_layout(reader: &mut impl Read) -> Result<Layout, HeaderError> {
    let mut magic = Vec::new();
    reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(HeaderError::Unpack)?;
    if !MAGIC.starts_with(&magic) {
        return Err(HeaderError::Magic { kind: "NPY" });
    }
    let mut version = [0; 2];
    fill(reader, &mut version)?;
    let n_bytes = match version {
        [1, 0] => {
            let mut n = [0; 2];
            fill(reader, &mut n)?;
            u64::from(u16::from_le_bytes(n))
        }
        [2 | 3, 0] => {
            let mut n = [0; 4];
            fill(reader, &mut n)?;
            u64::from(u32::from_le_bytes(n))
        }
        _ => return Err(HeaderError::Version { major: version[0], minor: version[1] }),
    };
    if n_bytes > MAX_HEADER {
        return Err(HeaderError::LongHeader { n_bytes, limit: MAX_HEADER });
    }
    let mut header = Vec::new();
    reader.by_ref().take(n_bytes).read_to_end(&mut header).map_err(HeaderError::Unpack)?;
    if (header.len() as u64) < n_bytes {
        return Err(HeaderError::TruncatedHeader);
    }
    parse_header(&header)
}

/// The shape in the header; `reader` then stands at the data.
pub(crate) fn read_shape(reader: &mut impl Read) -> Result<Vec<usize>, HeaderError> {
    Ok(read_layout(reader)?.shape)
}

/// Reads a whole array of which at most `available` bytes can follow the header. No more is allocated than is there:
/// bytes after the data are ignored, as numpy does.
pub(super) fn read_array(reader: &mut impl Read, available: u64) -> Result<Array, HeaderError> {
    let layout = read_layout(reader)?;
    let truncated = |layout: &Layout, available| HeaderError::Truncated {
        shape: layout.shape.clone(),
        dtype: layout.scalar.name(),
        needed: layout.n_bytes(),
        available,
    };
    let needed = match layout.n_bytes() {
        Some(needed) if needed <= available => needed,
        _ => return Err(truncated(&layout, available)),
    };
    let mut data = Vec::new();
    reader.by_ref().take(needed).read_to_end(&mut data).map_err(HeaderError::Unpack)?;
    if (data.len() as u64) < needed {
        return Err(truncated(&layout, data.len() as u64));
    }
    Ok(Array { layout, data })
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), HeaderError> {
    reader.read_exact(buffer).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => HeaderError::TruncatedHeader,
        _ => HeaderError::Unpack(e),
    })
}

/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
fn parse_header(header: &[u8]) -> Result<Layout, HeaderError> {
    let mut p = Parser { text: header, at: 0 };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    p.expect(b'{', "'{'")?;
    while !p.take(b'}') {
        let key_at = p.at;
        let key = p.string()?;
        p.expect(b':', "':'")?;
        let fresh = match key.as_slice() {
            b"descr" => descr.replace(p.descr()?).is_none(),
            b"fortran_order" => fortran.replace(p.boolean()?).is_none(),
            b"shape" => shape.replace(p.shape()?).is_none(),
            _ => false,
        };
        if !fresh {
            return Err(HeaderError::Syntax { at: key_at, expected: "one each of descr, fortran_order and shape" });
        }
        if !p.take(b',') {
            p.expect(b'}', "',' or '}'")?;
            break;
        }
    }
    let missing = |expected| HeaderError::Syntax { at: header.len(), expected };
    let (scalar, big_endian) = descr.ok_or_else(|| missing("'descr'"))?;
    let fortran = fortran.ok_or_else(|| missing("'fortran_order'"))?;
    let shape = shape.ok_or_else(|| missing("'shape'"))?;
    p.skip_space();
    if p.at < header.len() {
        return Err(HeaderError::Syntax { at: p.at, expected: "the end of the header" });
    }
    if shape.is_empty() {
        return Err(HeaderError::ZeroDimensional);
    }
    Ok(Layout { scalar, big_endian, fortran, shape })
}

/// Just enough of Python's literals.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Steps over `c`, after spaces, if it is there.
    fn take(&mut self, c: u8) -> bool {
        self.skip_space();
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, c: u8, expected: &'static str) -> Result<(), HeaderError> {
        if self.take(c) { Ok(()) } else { Err(HeaderError::Syntax { at: self.at, expected }) }
    }

    fn string(&mut self) -> Result<Vec<u8>, HeaderError> {
        let quote = if self.take(b'"') { b'"' } else { b'\'' };
        if quote == b'\'' {
            self.expect(b'\'', "a quoted word")?;
        }
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&c| c == quote);
        let end = end.ok_or(HeaderError::Syntax { at: self.at, expected: "a closing quote" })?;
        self.at += end + 1;
        Ok(rest[..end].to_vec())
    }

    fn boolean(&mut self) -> Result<bool, HeaderError> {
        self.skip_space();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(HeaderError::Syntax { at: self.at, expected: "True or False" })
    }

    /// Type and whether it is big-endian. Structured types, lists of fields, are refused by name.
    fn descr(&mut self) -> Result<(Scalar, bool), HeaderError> {
        self.skip_space();
        if matches!(self.peek(), Some(b'[' | b'(')) {
            let rest = &self.text[self.at..];
            let end = rest.iter().position(|&c| c == b']').map_or(rest.len(), |end| end + 1);
            return Err(HeaderError::Dtype { dtype: super::error::shorten(&String::from_utf8_lossy(&rest[..end])) });
        }
        let descr = self.string()?;
        let (order, code) = match descr.split_first() {
            Some((order @ (b'<' | b'>' | b'=' | b'|'), code)) => (*order, code),
            _ => (b'=', descr.as_slice()),
        };
        let scalar = match code {
            b"?" | b"b1" => Scalar::Bool,
            b"i1" => Scalar::I1,
            b"i2" => Scalar::I2,
            b"i4" => Scalar::I4,
            b"i8" => Scalar::I8,
            b"u1" => Scalar::U1,
            b"u2" => Scalar::U2,
            b"u4" => Scalar::U4,
            b"u8" => Scalar::U8,
            b"f2" => Scalar::F2,
            b"f4" => Scalar::F4,
            b"f8" => Scalar::F8,
            _ => {
                let dtype = super::error::shorten(&String::from_utf8_lossy(&descr));
                return Err(HeaderError::Dtype { dtype: format!("{dtype:?}") });
            }
        };
        Ok((scalar, order == b'>'))
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 wrote `(3L,)`.
    fn shape(&mut self) -> Result<Vec<usize>, HeaderError> {
        self.expect(b'(', "'('")?;
        let mut shape = Vec::new();
        while !self.take(b')') {
            shape.push(self.integer()?);
            if !self.take(b',') {
                self.expect(b')', "',' or ')'")?;
                break;
            }
        }
        Ok(shape)
    }

    fn integer(&mut self) -> Result<usize, HeaderError> {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let n = digits.parse().map_err(|_| HeaderError::Syntax { at: start, expected: "a length below 2^64" })?;
        self.at += usize::from(self.peek() == Some(b'L'));
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let ok = |text: &str| parse_header(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let layout = ok("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n");
        assert_eq!(layout, Layout { scalar: Scalar::F8, big_endian: false, fortran: false, shape: vec![3, 4] });
        let layout = ok("{\"shape\":(3L,),'descr':\">i2\",'fortran_order':True}");
        assert_eq!(layout, Layout { scalar: Scalar::I2, big_endian: true, fortran: true, shape: vec![3] });
        assert_eq!(ok("{'descr': '|b1', 'fortran_order': False, 'shape': (0,2,)}").scalar, Scalar::Bool);
        let fails = |text: &str| parse_header(text.as_bytes()).expect_err(text).to_string();
        for (descr, name) in [
            ("'|O'", "\"|O\""),
            ("'<c16'", "\"<c16\""),
            ("'<U5'", "\"<U5\""),
            ("'|S3'", "\"|S3\""),
            ("'<M8[ns]'", "\"<M8[ns]\""),
            ("'<f16'", "\"<f16\""),
            ("'|V8'", "\"|V8\""),
            ("[('a', '<f8'), ('b', '<i4')]", "[('a', '<f8'), ('b', '<i4')]"),
        ] {
            let message = fails(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,), }}"));
            assert!(message.contains(&format!("type {name},")), "{message}");
        }
        assert!(fails("{'descr': '<f8', 'fortran_order': False, 'shape': (), }").contains("single number"));
        for broken in [
            "",
            "{",
            "{}",
            "{'descr': '<f8'}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,4}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x",
            "{'descr': '<f8",
        ] {
            assert!(fails(broken).contains("broken header"), "{broken}");
        }
    }

    #[test]
    fn a_huge_shape_allocates_nothing() {
        for shape in ["(1000000000000000000,)", "(4294967296, 4294967296, 4294967296)", "(2305843009213693952,)"] {
            let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
            let mut file = MAGIC.to_vec();
            file.extend([1, 0]);
            file.extend((header.len() as u16).to_le_bytes());
            file.extend(header.as_bytes());
            file.extend([0; 16]);
            let error = read_array(&mut file.as_slice(), 16).err().expect("too short");
            assert!(matches!(error, HeaderError::Truncated { available: 16, .. }), "{error}");
        }
    }
}
