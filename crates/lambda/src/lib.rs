//! What every Lambda function of Trawl shares.
