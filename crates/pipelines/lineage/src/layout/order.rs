//! In which order items of a column stand, so that few edges cross.

use super::columns::Columns;

/// Sweeps over all columns; they stop early where nothing crosses.
const SWEEPS: usize = 24;

/// Segments of one column beyond which neighbours are not exchanged one by one.
const MOST_EXCHANGED: usize = 2000;

pub(super) fn reduce_crossings(columns: &mut Columns) {
    let mut best = columns.layers.clone();
    let mut fewest = columns.crossings();
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        columns.sort_by_neighbours(sweep % 2 == 0);
        if columns.segments.len() <= MOST_EXCHANGED {
            columns.exchange_neighbours();
        }
        let crossings = columns.crossings();
        if crossings < fewest {
            (fewest, best) = (crossings, columns.layers.clone());
        }
    }
    columns.layers = best;
}

impl Columns {
    /// The place of each item in its column.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.items.len()];
        for layer in &self.layers {
            layer.iter().enumerate().for_each(|(place, item)| places[*item] = place);
        }
        places
    }

    /// Orders columns one after another by the mean place of what each item hangs on.
    #[expect(clippy::cast_precision_loss, reason = "places are small")]
    fn sort_by_neighbours(&mut self, rightwards: bool) {
        let count = self.layers.len();
        let mut places = self.places();
        for step in 1..count {
            let rank = if rightwards { step } else { count - 1 - step };
            let mut layer = std::mem::take(&mut self.layers[rank]);
            let mut keyed: Vec<(f64, usize)> = layer
                .iter()
                .map(|&item| {
                    let mean = self.mean_place(item, rightwards, &places);
                    (mean.unwrap_or(places[item] as f64), item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layer.clear();
            for (place, (_, item)) in keyed.into_iter().enumerate() {
                places[item] = place;
                layer.push(item);
            }
            self.layers[rank] = layer;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "places are small")]
    fn mean_place(&self, item: usize, of_left: bool, places: &[usize]) -> Option<f64> {
        let segments = if of_left { &self.before[item] } else { &self.after[item] };
        let place = |segment: &usize| {
            let segment = self.segments[*segment];
            let (other, at) = if of_left {
                (segment.from, segment.leaves)
            } else {
                (segment.to, segment.arrives)
            };
            places[other] as f64 + at / (self.items[other].height + 1.0)
        };
        let sum: f64 = segments.iter().map(place).sum();
        (!segments.is_empty()).then(|| sum / segments.len() as f64)
    }

    /// Exchanges neighbours where fewer edges cross then.
    fn exchange_neighbours(&mut self) {
        let mut places = self.places();
        for rank in 0..self.layers.len() {
            for place in 1..self.layers[rank].len() {
                let (upper, lower) = (self.layers[rank][place - 1], self.layers[rank][place]);
                let now = self.crossings_of(upper, lower, &places);
                if now > self.crossings_of(lower, upper, &places) {
                    self.layers[rank].swap(place - 1, place);
                    (places[lower], places[upper]) = (place - 1, place);
                }
            }
        }
    }

    /// How often edges of two items of a column cross, if one stands above the other.
    fn crossings_of(&self, upper: usize, lower: usize, places: &[usize]) -> usize {
        let left = |segment: &usize| {
            let segment = self.segments[*segment];
            (places[segment.from], segment.leaves)
        };
        let right = |segment: &usize| {
            let segment = self.segments[*segment];
            (places[segment.to], segment.arrives)
        };
        inversions(&self.before[upper], &self.before[lower], left)
            + inversions(&self.after[upper], &self.after[lower], right)
    }

    /// How often edges cross in all.
    pub(super) fn crossings(&self) -> usize {
        let places = self.places();
        let mut by_rank = vec![Vec::new(); self.layers.len()];
        for segment in &self.segments {
            let from = (places[segment.from], segment.leaves.to_bits());
            let to = (places[segment.to], segment.arrives.to_bits());
            by_rank[self.items[segment.from].rank].push((from, to));
        }
        by_rank.into_iter().map(crossings_between).sum()
    }
}

fn inversions(upper: &[usize], lower: &[usize], place: impl Fn(&usize) -> (usize, f64)) -> usize {
    let below: Vec<_> = lower.iter().map(&place).collect();
    upper.iter().map(&place).map(|at| below.iter().filter(|other| **other < at).count()).sum()
}

/// Counts crossings between two columns: the inversions among the right ends of segments that are
/// sorted by their left ends, by merging.
fn crossings_between(mut segments: Vec<((usize, u64), (usize, u64))>) -> usize {
    segments.sort_unstable();
    let mut ends: Vec<_> = segments.into_iter().map(|(_, to)| to).collect();
    let mut merged = ends.clone();
    let (mut crossings, mut width) = (0, 1);
    while width < ends.len() {
        for start in (0..ends.len()).step_by(2 * width) {
            let middle = (start + width).min(ends.len());
            let end = (start + 2 * width).min(ends.len());
            let (mut left, mut right) = (start, middle);
            for place in &mut merged[start..end] {
                if right == end || (left < middle && ends[left] <= ends[right]) {
                    *place = ends[left];
                    left += 1;
                } else {
                    crossings += middle - left;
                    *place = ends[right];
                    right += 1;
                }
            }
        }
        std::mem::swap(&mut ends, &mut merged);
        width *= 2;
    }
    crossings
}
