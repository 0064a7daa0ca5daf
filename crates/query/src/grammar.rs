#![doc = include_str!("../../../docs/query.md")]
