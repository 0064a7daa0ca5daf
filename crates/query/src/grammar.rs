//! (the grammar)
