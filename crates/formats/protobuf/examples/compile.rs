//! Compiles a schema and writes its descriptor set: `compile FOLDER FILE > set.binpb`.

use std::io::Write;

use cannery_protobuf::{Compiler, Sources};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("expected a folder and a file in it".into());
    };
    let mut compiler = Compiler::new(Sources::new(vec![folder.into()]));
    compiler.compile(&file)?;
    let set = compiler.pool().descriptor_set(&file).ok_or("the file was not compiled")?;
    std::io::stdout().write_all(&set)?;
    Ok(())
}
