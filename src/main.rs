//! The program `relatch`.

fn main() -> std::process::ExitCode {
    relatch::main()
}
