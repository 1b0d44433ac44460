//! A graph as SVG: no script, no style sheet, nothing from elsewhere, every text escaped.

use std::fmt::Write as _;

use crate::graph::{Graph, GraphNode, NodeStatus};
use crate::layout::{Layout, Link, Rect, Size, layout};
use crate::text::{fitted, width};

const MARGIN: f64 = 16.0;
const HEADING: f64 = 30.0;

/// The title's row of a node, the row of its detail, and the row of an output.
const TITLE_ROW: f64 = 26.0;
const DETAIL_ROW: f64 = 18.0;
const PORT_ROW: f64 = 22.0;
const PADDING: f64 = 12.0;

const TITLE_SIZE: f64 = 13.5;
const TEXT_SIZE: f64 = 12.0;
const SMALL_SIZE: f64 = 11.0;

/// A longer name is cut, so that one name does not stretch its column.
const MOST_TITLE: f64 = 250.0;
const MOST_LABEL: f64 = 210.0;
const MOST_DETAIL: f64 = 150.0;
const LEAST_WIDTH: f64 = 120.0;

const FONT: &str = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif";
const INK: &str = "#1f2328";
const FAINT: &str = "#656d76";
const LINE: &str = "#d0d7de";
const EDGE: &str = "#8c959f";
const ASKED: &str = "#fff3bf";

impl Graph {
    /// The graph as a picture in SVG.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let cards: Vec<_> = self.nodes.iter().map(Card::new).collect();
        let sizes: Vec<_> = cards.iter().map(|card| card.size.clone()).collect();
        let links: Vec<_> = self
            .edges
            .iter()
            .map(|edge| Link {
                from: edge.from,
                leaves: cards[edge.from].port_at(edge.port),
                to: edge.to,
                arrives: TITLE_ROW / 2.0 + 1.0,
            })
            .collect();
        self.draw(&cards, &layout(&sizes, &links))
    }

    fn draw(&self, cards: &[Card<'_>], placed: &Layout) -> String {
        let title = fitted(&self.title, TITLE_SIZE, 900.0);
        let wide = placed.width.max(width(&title, TITLE_SIZE)) + 2.0 * MARGIN;
        let high = placed.height + 2.0 * MARGIN + HEADING;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" \
             viewBox=\"0 0 {wide:.0} {high:.0}\" font-family=\"{FONT}\" role=\"img\">\n\
             <title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n",
            escaped(&cannery::printable(&self.title))
        );
        text(&mut svg, (MARGIN, MARGIN + 13.0), &Pen::title(), &title);
        let _ = writeln!(svg, "<g transform=\"translate({MARGIN:.0} {:.0})\">", MARGIN + HEADING);
        for (edge, points) in self.edges.iter().zip(&placed.edges) {
            let from = &self.nodes[edge.from];
            let port = from.ports.get(edge.port).map_or(from.title.as_str(), |port| &port.label);
            let told = format!("{port} → {}: {}", self.nodes[edge.to].title, edge.argument);
            draw_edge(&mut svg, points, &told);
        }
        for (card, place) in cards.iter().zip(&placed.nodes) {
            card.draw(&mut svg, *place);
        }
        svg.push_str("</g>\n</svg>\n");
        svg
    }
}

/// A node with its texts cut to size.
struct Card<'a> {
    node: &'a GraphNode,
    title: String,
    status: &'static str,
    detail: String,
    ports: Vec<(String, String)>,
    size: Size,
}

impl<'a> Card<'a> {
    fn new(node: &'a GraphNode) -> Self {
        let title = fitted(&node.title, TITLE_SIZE, MOST_TITLE);
        let status = node.status.as_str();
        let detail = fitted(&node.detail, SMALL_SIZE, MOST_TITLE);
        let cut = |label: &str, detail: &str| {
            (fitted(label, TEXT_SIZE, MOST_LABEL), fitted(detail, SMALL_SIZE, MOST_DETAIL))
        };
        let ports: Vec<_> = node.ports.iter().map(|port| cut(&port.label, &port.detail)).collect();
        let head = width(&title, TITLE_SIZE) * 1.06 + 16.0 + width(status, SMALL_SIZE);
        let row = |(label, detail): &(String, String)| {
            width(label, TEXT_SIZE) + 18.0 + width(detail, SMALL_SIZE)
        };
        let widest = ports.iter().map(row).fold(head, f64::max).max(width(&detail, SMALL_SIZE));
        let mut card = Self { node, title, status, detail, ports, size: Size::default() };
        #[expect(clippy::cast_precision_loss, reason = "outputs are few")]
        let rows = PORT_ROW * card.ports.len() as f64;
        let width = (widest + 2.0 * PADDING + 4.0).max(LEAST_WIDTH);
        card.size = Size { width, height: card.ports_begin() + rows + 4.0 };
        card
    }

    fn ports_begin(&self) -> f64 {
        TITLE_ROW + if self.detail.is_empty() { 2.0 } else { DETAIL_ROW }
    }

    #[expect(clippy::cast_precision_loss, reason = "outputs are few")]
    fn port_at(&self, port: usize) -> f64 {
        if self.ports.is_empty() {
            return TITLE_ROW / 2.0 + 1.0;
        }
        self.ports_begin() + PORT_ROW * (port as f64 + 0.5)
    }

    fn draw(&self, svg: &mut String, at: Rect) {
        let Rect { x, y, width, height } = at;
        let color = self.node.status.color();
        let is_step = self.node.status != NodeStatus::Artifact;
        let dashes = if is_step { "" } else { " stroke-dasharray=\"4 3\"" };
        let told = self.told();
        let _ = write!(
            svg,
            "<g><title>{}</title>\n<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"7\" fill=\"#f6f8fa\" stroke=\"{LINE}\"{dashes}/>\n\
             <rect x=\"{x:.1}\" y=\"{:.1}\" width=\"4\" height=\"{:.1}\" rx=\"2\" fill=\"{color}\"/>\n",
            escaped(&told),
            y + 6.0,
            height - 12.0,
        );
        let (left, right) = (x + PADDING + 2.0, x + width - PADDING);
        text(svg, (left, y + 18.0), &Pen::title(), &self.title);
        let pen = Pen { size: SMALL_SIZE, color, is_end: true, ..Pen::default() };
        text(svg, (right, y + 18.0), &pen, self.status);
        if !self.detail.is_empty() {
            text(svg, (left, y + TITLE_ROW + 9.0), &Pen::small(), &self.detail);
        }
        for (index, (label, detail)) in self.ports.iter().enumerate() {
            let middle = y + self.port_at(index);
            if self.node.ports[index].is_asked {
                let top = middle - PORT_ROW / 2.0;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{PORT_ROW}\" \
                     rx=\"4\" fill=\"{ASKED}\"/>",
                    x + 7.0,
                    width - 10.0
                );
            }
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"3\" fill=\"#ffffff\" stroke=\"{EDGE}\"/>",
                x + width
            );
            text(svg, (left, middle + 4.0), &Pen::default(), label);
            let pen = Pen { is_end: true, ..Pen::small() };
            text(svg, (right, middle + 4.0), &pen, detail);
        }
        svg.push_str("</g>\n");
    }

    /// Everything that the card tells, uncut, for who points at it.
    fn told(&self) -> String {
        let mut lines = vec![format!("{} ({})", self.node.title, self.status)];
        lines.extend((!self.node.detail.is_empty()).then(|| self.node.detail.clone()));
        lines.extend(self.node.ports.iter().map(|port| format!("{}  {}", port.label, port.detail)));
        cannery::printable_lines(&lines.join("\n")).into_owned()
    }
}

/// An edge through its points: curved between columns, straight within one, with an arrow's head.
fn draw_edge(svg: &mut String, points: &[(f64, f64)], told: &str) {
    let (Some(&(x, y)), Some(&(end_x, end_y))) = (points.first(), points.last()) else { return };
    let mut path = format!("M{x:.1} {y:.1}");
    for (index, pair) in points.windows(2).enumerate() {
        let ((from_x, from_y), (x, y)) = (pair[0], pair[1]);
        if index % 2 == 1 {
            let _ = write!(path, " L{x:.1} {y:.1}");
            continue;
        }
        let x = if index + 2 == points.len() { x - 7.0 } else { x };
        let bend = ((x - from_x) / 2.0).abs().max(24.0);
        let _ =
            write!(path, " C{:.1} {from_y:.1} {:.1} {y:.1} {x:.1} {y:.1}", from_x + bend, x - bend);
    }
    let _ = writeln!(
        svg,
        "<g><title>{}</title><path d=\"{path}\" fill=\"none\" stroke=\"{EDGE}\" \
         stroke-width=\"1.4\"/><path d=\"M{:.1} {:.1} L{end_x:.1} {end_y:.1} L{:.1} {:.1} Z\" \
         fill=\"{EDGE}\"/></g>",
        escaped(&cannery::printable(told)),
        end_x - 8.0,
        end_y - 4.0,
        end_x - 8.0,
        end_y + 4.0,
    );
}

/// How a text is written.
struct Pen {
    size: f64,
    color: &'static str,
    is_bold: bool,
    is_end: bool,
}

impl Default for Pen {
    fn default() -> Self {
        Self { size: TEXT_SIZE, color: INK, is_bold: false, is_end: false }
    }
}

impl Pen {
    fn title() -> Self {
        Self { size: TITLE_SIZE, is_bold: true, ..Self::default() }
    }

    fn small() -> Self {
        Self { size: SMALL_SIZE, color: FAINT, ..Self::default() }
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), pen: &Pen, text: &str) {
    let Pen { size, color, .. } = pen;
    let weight = if pen.is_bold { " font-weight=\"600\"" } else { "" };
    let anchor = if pen.is_end { " text-anchor=\"end\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{color}\"{weight}{anchor}>{}</text>",
        escaped(text)
    );
}

/// A text as XML and HTML read it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not in XML.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
