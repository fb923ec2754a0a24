//! Data from files: named numeric columns, read with errors that name row and column.
