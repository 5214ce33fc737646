//! Plots as SVG: both axes logarithmic, readable on light and on dark.

use std::fmt::Write;

use crate::table::shown;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 48.0;
/// Told apart by people who see colours differently (Okabe and Ito), and by their marks.
const COLOURS: [&str; 4] = ["#0072b2", "#999999", "#d55e00", "#009e73"];

/// One line.
pub struct Series<'s> {
    /// What it shows.
    pub name: &'s str,
    /// Size and microseconds, sizes ascending.
    pub points: Vec<(f64, f64)>,
}

/// Lines over one axis of sizes and one of microseconds.
pub struct Plot<'s> {
    title: String,
    against: &'s str,
    series: Vec<Series<'s>>,
}

/// One axis: from the first value to the last, on a scale of powers.
struct Axis {
    from: f64,
    to: f64,
    begin: f64,
    end: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let share = (value.max(self.from) / self.from).ln() / (self.to / self.from).ln();
        self.begin + share * (self.end - self.begin)
    }
}

impl<'s> Plot<'s> {
    /// A plot without lines.
    pub fn new(title: String, against: &'s str) -> Plot<'s> {
        Plot { title, against, series: Vec::new() }
    }

    /// One more line.
    pub fn add(&mut self, series: Series<'s>) {
        self.series.push(series);
    }

    /// The plot as a document.
    pub fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let least = |of: fn((f64, f64)) -> f64| all().map(of).fold(f64::INFINITY, f64::min).max(0.01);
        let most = |of: fn((f64, f64)) -> f64| all().map(of).fold(0.02, f64::max);
        let power = |value: f64, round: fn(f64) -> f64| 10f64.powf(round(value.log10()));
        let x =
            Axis { from: least(|point| point.0), to: most(|point| point.0), begin: LEFT, end: WIDTH - RIGHT };
        let (from, to) = (power(least(|point| point.1), f64::floor), power(most(|point| point.1), f64::ceil));
        let y = Axis { from, to, begin: HEIGHT - BOTTOM, end: TOP };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
             <style>.ink {{ fill: #24292f }} .grid {{ stroke: #8c959f; stroke-opacity: .35 }}\n\
             @media (prefers-color-scheme: dark) {{ .ink {{ fill: #d1d7e0 }} }}</style>\n\
             <text class=\"ink\" x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>\n",
            title = self.title,
        );
        self.axes(&mut svg, &x, &y);
        self.lines(&mut svg, &x, &y);
        svg + "</svg>\n"
    }

    fn axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let mut tick = y.from;
        while tick <= y.to * 1.001 {
            let at = y.at(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                power_of_ten(tick),
            );
            tick *= 10.0;
        }
        for &(size, _) in self.series.first().iter().flat_map(|series| &series.points) {
            let at = x.at(size);
            let _ = writeln!(
                svg,
                "<text class=\"ink\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM + 18.0,
                whole(size),
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            "<text class=\"ink\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"ink\" x=\"8\" y=\"{:.1}\">µs</text>",
            HEIGHT - 10.0,
            self.against,
            TOP - 8.0,
        );
    }

    fn lines(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let mut labels: Vec<f64> = Vec::new();
        for (series, colour) in self.series.iter().zip(COLOURS.into_iter().cycle()) {
            let points: Vec<(f64, f64)> =
                series.points.iter().map(|&(size, us)| (x.at(size), y.at(us))).collect();
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                path.join(" ")
            );
            for (x, y) in &points {
                let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
            }
            let (Some((end, at)), Some((_, us))) = (points.last(), series.points.last()) else { continue };
            // Names that would lie on each other move up.
            let mut at = *at + 4.0;
            while let Some(other) = labels.iter().find(|other| (*other - at).abs() < 14.0) {
                at = other - 14.0;
            }
            labels.push(at);
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{at:.1}\" fill=\"{colour}\">{}, {}</text>",
                end + 10.0,
                series.name,
                shown(*us)
            );
        }
    }
}

fn power_of_ten(value: f64) -> String {
    if value < 1.0 { format!("{value}") } else { whole(value) }
}

fn whole(value: f64) -> String {
    if value < 100.0 { format!("{value:.0}") } else { shown(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_inside_of_the_plot_and_named() {
        let mut plot = Plot::new("Cost".to_owned(), "slots");
        plot.add(Series { name: "ours", points: vec![(1.0, 3.0), (256.0, 12.0)] });
        plot.add(Series { name: "theirs", points: vec![(1.0, 700.0), (256.0, 900.0)] });
        let svg = plot.svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("ours, 12.0") && svg.contains("theirs, 900"));
        let heights =
            svg.split("cy=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
        assert!(heights.into_iter().all(|y| (TOP..=HEIGHT - BOTTOM).contains(&y)), "{svg}");
    }
}
