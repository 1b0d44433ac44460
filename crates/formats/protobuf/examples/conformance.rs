//! A testee for Protobuf's conformance runner: `conformance_test_runner ... conformance`.
//!
//! The schemas of the runner's messages are looked for below `CANNERY_SUITES`.

#[path = "../tests/common/conformance.rs"]
mod testee;

use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let suites = std::env::var_os("CANNERY_SUITES").ok_or("set CANNERY_SUITES")?;
    let pool = testee::schemas(&std::path::Path::new(&suites).join("protobuf/schemas"));
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut request)?;
        let response = testee::response(&testee::answer(&pool, &request));
        output.write_all(&u32::try_from(response.len())?.to_le_bytes())?;
        output.write_all(&response)?;
        output.flush()?;
    }
    Ok(())
}
