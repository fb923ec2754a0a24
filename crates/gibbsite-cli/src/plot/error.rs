//! What can go wrong with a picture.

use std::path::PathBuf;

/// Why no picture was written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The file name ends in neither `.svg` nor `.png`.
    #[error("cannot draw to '{}': the name must end in .svg or .png", path.display())]
    UnknownFormat {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// Two columns that belong together have different lengths.
    #[error("'{what}' has {found} values where {expected} belong")]
    Length {
        /// The column.
        what: &'static str,
        /// The length of the column it goes with.
        expected: usize,
        /// Its own length.
        found: usize,
    },
    /// The coordinates along an axis are not finite and strictly increasing.
    #[error("the coordinates along '{axis}' must be finite and increasing, but entry {index} is not")]
    NotIncreasing {
        /// Name of the axis.
        axis: String,
        /// First entry at fault.
        index: usize,
    },
    /// The file could not be written.
    #[error("cannot write '{}'", path.display())]
    Io {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The pixels could not be encoded.
    #[error("cannot encode the picture: {message}")]
    Encode {
        /// What the encoder said.
        message: String,
    },
}

impl PlotError {
    /// What to do about it, for the line `hint:` under the message.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownFormat { .. } => "use a name such as landscape.svg (scales) or landscape.png (pixels)",
            Self::Length { .. } => "every grid point needs one energy and one density",
            Self::NotIncreasing { .. } => "sort the grid and remove repeated points",
            Self::Io { .. } => "does the folder exist, and may you write there?",
            Self::Encode { .. } => "try .svg instead",
        }
    }
}
