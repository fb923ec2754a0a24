//! NPZ: a zip archive of NPY files, stored or deflated. What is unpacked is bounded by the shape in the header of the
//! array, and that by what its compressed bytes can unpack to.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::array::Array;
use super::error::DataError;
use super::npy;
use crate::suggest::nearest;

/// Deflate never packs more than 1032 bytes into one (Gailly and Adler, zlib technical details).
const MAX_RATIO: u64 = 1032;

/// Bytes after the array that are read, so that the checksum of a member of numpy is reached.
const MAX_TRAILING: u64 = 1 << 20;

/// The array `key` of the archive, or its only array.
pub(super) fn read_array(file: &str, bytes: &[u8], key: Option<&str>) -> Result<(String, Array), DataError> {
    let zip_error = |source| DataError::Zip { file: file.into(), source };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(zip_error)?;
    let keys = keys(&archive);
    let (index, key) = match key {
        Some(key) => match keys.iter().find(|(_, k)| k == key || key.strip_suffix(".npy") == Some(k)) {
            Some(found) => found.clone(),
            None => {
                let suggestion = nearest(key, keys.iter().map(|(_, k)| k.as_str())).map(str::to_string);
                let arrays = describe(&mut archive, &keys);
                return Err(DataError::UnknownKey { file: file.into(), key: key.into(), suggestion, arrays });
            }
        },
        None => match keys.as_slice() {
            [only] => only.clone(),
            _ => return Err(DataError::MissingKey { file: file.into(), arrays: describe(&mut archive, &keys) }),
        },
    };
    let place = format!("{file}:{key}");
    let mut member = archive.by_index(index).map_err(zip_error)?;
    let available = member.compressed_size().saturating_mul(MAX_RATIO).min(member.size());
    let array_error = |source| DataError::Array { file: place.clone(), source };
    let array = npy::read_array(&mut member, available).map_err(array_error)?;
    // The end of the member is where the checksum is compared.
    io::copy(&mut member.take(MAX_TRAILING), &mut io::sink()).map_err(|e| array_error(npy::HeaderError::Unpack(e)))?;
    Ok((place, array))
}

/// Index and key of every array.
fn keys<R: Read + io::Seek>(archive: &ZipArchive<R>) -> Vec<(usize, String)> {
    let name = |i| archive.name_for_index(i).and_then(Result::ok);
    (0..archive.len()).filter_map(|i| name(i)?.strip_suffix(".npy").map(|key| (i, key.to_string()))).collect()
}

/// `X float64[150, 4]` for every array.
fn describe(archive: &mut ZipArchive<Cursor<&[u8]>>, keys: &[(usize, String)]) -> Vec<String> {
    const SHOWN: usize = 100;
    let mut layout = |i: usize| -> Result<String, ZipError> {
        Ok(npy::read_layout(&mut archive.by_index(i)?).map_or_else(|e| format!("({e})"), |l| l.describe()))
    };
    keys.iter()
        .take(SHOWN)
        .map(|(i, key)| format!("{key} {}", layout(*i).unwrap_or_else(|e| format!("({e})"))))
        .collect()
}
