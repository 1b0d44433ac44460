//! Where nodes and edges of a graph are drawn: in columns, from left to right.
//!
//! The layered drawing of Sugiyama, Tagawa and Toda (1981): every node gets a column behind all
//! that it needs ([`ranks`]); edges over several columns get a place in each of them; the order
//! within columns is chosen so that few edges cross ([`order`]); and the height so that edges are
//! nearly straight ([`coordinates`]).

mod columns;
mod coordinates;
mod order;
mod ranks;

pub(crate) use columns::{Layout, Link, Rect, Size};

use columns::Columns;

/// Places nodes and edges.
pub(crate) fn layout(sizes: &[Size], links: &[Link]) -> Layout {
    let mut columns = Columns::new(sizes, links);
    order::reduce_crossings(&mut columns);
    coordinates::place(&mut columns);
    columns.finish(sizes, links)
}

#[cfg(test)]
mod tests;
