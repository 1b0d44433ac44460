//! Megabytes a second from text to events: `cargo run --release --example throughput FILE...`

use std::time::Instant;

use cannery_core::Result;
use cannery_yaml::{Event, Handler, ParseOptions, Span, parse};

#[derive(Default)]
struct Count(u64);

impl Handler for Count {
    fn event(&mut self, _span: Span, event: Event<'_>) -> Result<()> {
        self.0 += match event {
            Event::Scalar { text, .. } => text.to_utf8().len() as u64,
            _ => 1,
        };
        Ok(())
    }
}

fn main() -> Result<()> {
    for path in std::env::args().skip(1) {
        let text =
            std::fs::read_to_string(&path).map_err(|e| cannery_core::Error::io(e, path.clone()))?;
        let mut fastest = f64::MAX;
        for _ in 0..50 {
            let start = Instant::now();
            parse(&text, &ParseOptions::default(), &mut Count::default())?;
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = text.len() as f64 / fastest / 1e6;
        println!("{path}: {rate:.0} MB/s");
    }
    Ok(())
}
