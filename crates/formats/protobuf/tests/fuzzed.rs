//! The function of the fuzz target, over bytes made from seeds.

#[path = "common/fuzzed.rs"]
mod fuzzed;

/// A generator of numbers: the same in every run.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 8) as usize % limit.max(1)
    }

    /// Records of fields that there are and of others, messages among them.
    fn message(&mut self, depth: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.below(6) {
            let number = match self.below(12) {
                0 => 100 + self.below(3) as u64,
                1 => self.next() >> 36,
                _ => 1 + self.below(28) as u64,
            };
            let wire = [0, 0, 1, 2, 2, 2, 2, 3, 5][self.below(9)];
            varint(&mut out, number << 3 | wire);
            match wire {
                0 => {
                    let bits = self.below(64);
                    let value = self.next() >> bits;
                    varint(&mut out, value);
                }
                1 => out.extend(self.next().to_le_bytes()),
                5 => out.extend((self.next() as u32).to_le_bytes()),
                3 => {
                    if depth > 0 {
                        out.extend(self.message(depth - 1));
                    }
                    varint(&mut out, number << 3 | 4);
                }
                _ => {
                    let body = self.body(depth);
                    varint(&mut out, body.len() as u64);
                    out.extend(body);
                }
            }
        }
        out
    }

    fn body(&mut self, depth: usize) -> Vec<u8> {
        match self.below(4) {
            0 => (0..self.below(9)).map(|_| self.next() as u8).collect(),
            1 => b"text \xc3\xa9\n\"\\"[..self.below(11)].to_vec(),
            _ if depth > 0 => self.message(depth - 1),
            _ => Vec::new(),
        }
    }

    fn damage(&mut self, data: &mut Vec<u8>) {
        for _ in 0..self.below(4) {
            let at = self.below(data.len());
            match self.below(4) {
                0 => data.truncate(at),
                1 if !data.is_empty() => data[at] ^= 1 << self.below(8),
                2 if !data.is_empty() => drop(data.remove(at)),
                _ => data.insert(at.min(data.len()), self.next() as u8),
            }
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[test]
fn any_bytes() {
    let mut seeded = Seeded(0x1234_5678_9abc_def1);
    for _ in 0..30_000 {
        let mut data = seeded.message(4);
        fuzzed::check(&data);
        seeded.damage(&mut data);
        fuzzed::check(&data);
    }
}

#[test]
fn any_schema() {
    let mut seeded = Seeded(0xfeed_f00d_dead_beef);
    for schema in schemas() {
        fuzzed::check(&schema);
        for _ in 0..150 {
            let mut data = schema.clone();
            seeded.damage(&mut data);
            fuzzed::check(&data);
        }
    }
}

/// Texts that mutations may begin with.
fn schemas() -> Vec<Vec<u8>> {
    let names = ["onnx", "vector_tile", "osm", "tensorboard"];
    let bundled = names.into_iter().filter_map(cannery_protobuf::known::schema_text);
    bundled.chain([fuzzed::SCHEMA]).map(|text| text.trim_start().as_bytes().to_vec()).collect()
}
