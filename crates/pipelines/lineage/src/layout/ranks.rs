//! Which column a node stands in: behind all that it needs.

/// The column of each node. An edge of a cycle, which is followed by none, may point back.
pub(super) fn ranks(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut after = vec![Vec::new(); count];
    let mut needed = vec![0_usize; count];
    for &(from, to) in edges {
        if from != to {
            after[from].push(to);
            needed[to] += 1;
        }
    }
    let mut ranks = vec![0; count];
    let mut order = Vec::with_capacity(count);
    let mut is_placed = vec![false; count];
    let mut ready: Vec<usize> = (0..count).rev().filter(|node| needed[*node] == 0).collect();
    let mut next_of_cycle = 0;
    while order.len() < count {
        let node = ready.pop().unwrap_or_else(|| {
            // All that is left waits for itself: one is taken as if it did not.
            while is_placed[next_of_cycle] {
                next_of_cycle += 1;
            }
            next_of_cycle
        });
        if std::mem::replace(&mut is_placed[node], true) {
            continue;
        }
        order.push(node);
        for &to in &after[node] {
            if !is_placed[to] {
                ranks[to] = ranks[to].max(ranks[node] + 1);
                needed[to] -= 1;
                if needed[to] == 0 {
                    ready.push(to);
                }
            }
        }
    }
    pull_sources(&mut ranks, &after, edges, &order);
    ranks
}

/// Moves nodes that need nothing up to the column before the first that needs them; those that
/// hang on nothing, such as a step that was skipped, into the last.
fn pull_sources(
    ranks: &mut [usize],
    after: &[Vec<usize>],
    edges: &[(usize, usize)],
    order: &[usize],
) {
    let mut needs = vec![false; ranks.len()];
    edges.iter().filter(|(from, to)| from != to).for_each(|(_, to)| needs[*to] = true);
    let last = ranks.iter().copied().max().unwrap_or(0);
    for &node in order.iter().rev().filter(|node| !needs[**node]) {
        ranks[node] = match after[node].iter().map(|to| ranks[*to]).min() {
            Some(first) => first.saturating_sub(1),
            None => last,
        };
    }
}
