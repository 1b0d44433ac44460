//! Which file takes which names from which other file, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The names that one file takes from another, by the two files.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    arrows: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Graph {
    pub(crate) fn draw(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            let names = self.arrows.entry(from.into()).or_default().entry(to.into()).or_default();
            names.insert(name.into());
        }
    }

    /// The groups of files that all reach each other, each sorted.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.arrows.keys().map(|file| (file.as_str(), self.reached_from(file))).collect();
        let mut circles = BTreeSet::new();
        for (&file, others) in &reached {
            if !others.contains(file) {
                continue;
            }
            let back = |other: &&&str| reached.get(**other).is_some_and(|set| set.contains(file));
            circles.insert(others.iter().filter(back).map(|&other| other.to_owned()).collect());
        }
        circles.into_iter().collect()
    }

    fn reached_from<'a>(&'a self, file: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(next) = open.pop() {
            for to in self.arrows.get(next).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(to.as_str()) {
                    open.push(to);
                }
            }
        }
        reached
    }

    /// A line for the circle, and one for each arrow in it with the names that it carries.
    pub(crate) fn describe(&self, circle: &[String]) -> String {
        let mut text = format!("a circle of {} files", circle.len());
        for from in circle {
            for (to, names) in self.arrows.get(from).into_iter().flatten() {
                if circle.contains(to) {
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let _ = write!(text, "\n    {from} -> {to}: {}", names.join(", "));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in arrows {
            graph.draw(from, to, "Name");
        }
        graph
    }

    #[test]
    fn a_chain_is_no_circle() {
        assert!(graph(&[("a", "b"), ("b", "c"), ("a", "c"), ("a", "a")]).circles().is_empty());
    }

    #[test]
    fn two_circles_that_share_no_file_are_two() {
        let graph =
            graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d")]);
        assert_eq!(graph.circles(), [vec!["a", "b", "c"], vec!["d", "e"]]);
        insta::assert_snapshot!(graph.describe(&graph.circles()[1]), @r"
        a circle of 2 files
            d -> e: Name
            e -> d: Name
        ");
    }
}
