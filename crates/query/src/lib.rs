//! The query language: parse, evaluate, aggregate
