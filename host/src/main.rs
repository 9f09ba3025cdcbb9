//! The `xqute` command. All that it does is in [`cli`]; everything below that is the library's.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
