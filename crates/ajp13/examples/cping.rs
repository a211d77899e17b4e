//! Asks a container whether it is there: `cargo run --example cping -- 127.0.0.1:8009 [COUNT]`.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::time::Duration;

use ajp13::{Client, PingPolicy, PoolOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: cping HOST:PORT [COUNT]")?;
    let count = arguments.next().map_or(Ok(1), |count| count.parse())?;
    let options = PoolOptions {
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    };
    let client = Client::builder(address.parse()?).pool(options).build();
    for _ in 0..count {
        let took = client.ping(Duration::from_secs(1)).await?;
        println!("CPong from {address} in {took:?}");
    }
    Ok(())
}
