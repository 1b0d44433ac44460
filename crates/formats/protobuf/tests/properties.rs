//! Descriptor sets are read back as they were written.

mod common;

use cannery_protobuf::{Compiler, Sources};

#[test]
fn every_schema_of_the_corpus_reads_back_from_its_descriptors() {
    let Some(suite) = common::suite() else { return };
    let root = suite.join("schemas");
    let mut count = 0;
    for case in common::lines(&suite.join("schemas.jsonl")) {
        let file = common::text(&case, "file").expect("a name");
        let mut compiler = Compiler::new(Sources::new(vec![root.clone()]));
        if compiler.compile(file).is_err() {
            continue;
        }
        let set = compiler.into_pool().descriptor_set(file).expect("just compiled");
        let mut again = Compiler::new(Sources::default());
        again.add_descriptor_set(&set).unwrap_or_else(|errors| panic!("{file}: {errors}"));
        let found = again.into_pool().descriptor_set(file).expect("just added");
        assert!(found == set, "{file}: {} bytes became {}", set.len(), found.len());
        count += 1;
    }
    cannery_testing::report("Protobuf schemas read back from their descriptors", count);
}
