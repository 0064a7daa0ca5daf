//! Runs one task of a search
