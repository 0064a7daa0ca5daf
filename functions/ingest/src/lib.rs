//! Takes events in over HTTP and appends them to the stream
