use proptest::prelude::*;

use super::*;

fn sizes(count: usize) -> Vec<Size> {
    (0..count).map(|_| Size { width: 100.0, height: 40.0 }).collect()
}

fn links(edges: &[(usize, usize)]) -> Vec<Link> {
    edges.iter().map(|&(from, to)| Link { from, leaves: 20.0, to, arrives: 20.0 }).collect()
}

#[test]
fn a_chain_is_a_straight_line() {
    let placed = layout(&sizes(3), &links(&[(0, 1), (1, 2)]));
    assert!(placed.nodes.iter().all(|node| node.y.abs() < 1e-9), "{placed:?}");
    assert!(placed.nodes[0].x < placed.nodes[1].x && placed.nodes[1].x < placed.nodes[2].x);
}

#[test]
fn edges_that_can_be_apart_do_not_cross() {
    // Two fans, submitted so that each edge crosses another.
    let edges = [(0, 5), (0, 3), (1, 4), (1, 2), (0, 4)];
    let mut columns = Columns::new(&sizes(6), &links(&edges));
    let before = columns.crossings();
    order::reduce_crossings(&mut columns);
    assert!(before > 0 && columns.crossings() == 0, "{before}, {}", columns.crossings());
}

#[test]
fn a_long_edge_passes_between_nodes() {
    let placed = layout(&sizes(4), &links(&[(0, 1), (1, 2), (2, 3), (0, 3)]));
    let long = &placed.edges[3];
    assert_eq!(long.len(), 6);
    for node in [1, 2] {
        let node = placed.nodes[node];
        let through = long[1].1.min(long[3].1);
        assert!(through < node.y || through > node.y + node.height, "{placed:?}");
    }
}

#[test]
fn a_source_stands_next_to_its_first_use() {
    assert_eq!(ranks::ranks(6, &[(0, 1), (1, 2), (3, 2), (4, 1)]), [0, 1, 2, 1, 0, 2]);
}

#[test]
fn a_cycle_is_drawn_too() {
    let placed = layout(&sizes(3), &links(&[(0, 1), (1, 2), (2, 0), (1, 1)]));
    assert_eq!((placed.nodes.len(), placed.edges.len()), (3, 4));
}

proptest! {
    #[test]
    fn nothing_overlaps_and_edges_point_right(
        count in 1_usize..30,
        pairs in prop::collection::vec((0_usize..30, 0_usize..30), 0..60),
        heights in prop::collection::vec(20.0_f64..200.0, 30),
    ) {
        let edges: Vec<_> = pairs
            .into_iter()
            .map(|(a, b)| (a % count, b % count))
            .filter(|(a, b)| a < b)
            .collect();
        let sizes: Vec<_> =
            heights[..count].iter().map(|&height| Size { width: 100.0, height }).collect();
        let placed = layout(&sizes, &links(&edges));
        for (index, node) in placed.nodes.iter().enumerate() {
            prop_assert!(node.x >= 0.0 && node.y > -1e-6);
            prop_assert!(node.x + node.width <= placed.width + 1e-6);
            prop_assert!(node.y + node.height <= placed.height + 1e-6);
            for other in &placed.nodes[..index] {
                let apart = node.x + node.width <= other.x || other.x + other.width <= node.x
                    || node.y + node.height <= other.y + 1e-6
                    || other.y + other.height <= node.y + 1e-6;
                prop_assert!(apart, "{node:?} and {other:?}");
            }
        }
        for points in &placed.edges {
            prop_assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{points:?}");
        }
    }
}
