//! Lines that hang on each other.

use crate::Console;
use crate::failure::Failure;

/// A line and those below it.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) line: String,
    pub(crate) children: Vec<Tree>,
}

impl Tree {
    pub(crate) fn print(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        console.short_line(&self.line)?;
        print_children(&self.children, &mut String::new(), console)
    }
}

fn print_children(
    children: &[Tree],
    indent: &mut String,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    for (index, child) in children.iter().enumerate() {
        let (branch, below) =
            if index + 1 == children.len() { ("└ ", "  ") } else { ("├ ", "│ ") };
        console.short_line(format_args!("{indent}{branch}{}", child.line))?;
        let len = indent.len();
        indent.push_str(below);
        print_children(&child.children, indent, console)?;
        indent.truncate(len);
    }
    Ok(())
}
