//! The `trawl` command; see the library of the same name.

fn main() -> std::process::ExitCode {
    trawl::main()
}
