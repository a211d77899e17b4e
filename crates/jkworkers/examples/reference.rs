//! Prints `docs/reference/workers-properties.md`:
//! `cargo run -p jkworkers --example reference > docs/reference/workers-properties.md`.

fn main() {
    print!("{}", jkworkers::directive::reference());
}
