//! The Parquet segment: writer and reader
