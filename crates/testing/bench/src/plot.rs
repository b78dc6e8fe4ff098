//! The plot of a report, as SVG.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::Failure;
use crate::report::{Report, Row};

/// In pixels.
const SIZE: (u32, u32) = (900, 420);
const FONT: (&str, u32) = ("sans-serif", 13);
const TITLE: (&str, u32) = ("sans-serif", 16);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Cold starts as bars, and rows a second as lines.
pub(crate) fn svg(report: &Report) -> Result<String, Failure> {
    let mut text = String::new();
    draw(report, SVGBackend::with_string(&mut text, SIZE).into_drawing_area())
        .map_err(|error| format!("the plot cannot be drawn: {error}"))?;
    Ok(text)
}

fn draw(report: &Report, area: Area<'_>) -> Result<(), Box<dyn Error>> {
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    starts(report, &left)?;
    rows(report, &right)?;
    area.present()?;
    Ok(())
}

/// One bar a subject: the time of a cold start, and darker within it, the processor time.
fn starts(report: &Report, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let subjects = &report.subjects;
    let longest = subjects.iter().map(|row| row.cold_ms.median).fold(0.0, f64::max);
    let names: Vec<_> = subjects.iter().map(|row| row.name.as_str()).collect();
    let mut chart = ChartBuilder::on(area)
        .caption("Cold start, ms (dark: processor time)", TITLE)
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(130)
        .build_cartesian_2d(0.0..longest * 1.1, (0..subjects.len()).into_segmented())?;
    let name = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(at) => names.get(*at).copied().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .y_labels(subjects.len())
        .y_label_formatter(&name)
        .label_style(FONT)
        .draw()?;
    for (part, alpha) in [(cold as fn(&Row) -> f64, 0.35), (processor, 1.0)] {
        chart.draw_series(subjects.iter().enumerate().map(|(at, row)| {
            let (from, to) = (SegmentValue::Exact(at), SegmentValue::Exact(at + 1));
            let mut bar = Rectangle::new([(0.0, from), (part(row), to)], BLUE.mix(alpha).filled());
            bar.set_margin(5, 5, 0, 0);
            bar
        }))?;
    }
    Ok(())
}

fn cold(row: &Row) -> f64 {
    row.cold_ms.median
}

fn processor(row: &Row) -> f64 {
    row.processor_ms.median
}

/// One line a subject: rows a second by the rows of a result.
fn rows(report: &Report, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let points = || report.subjects.iter().flat_map(|row| &row.rows_per_second);
    let counts = range(points().map(|(count, _)| *count as f64));
    let rates = range(points().map(|(_, rate)| *rate));
    let mut chart = ChartBuilder::on(area)
        .caption("Rows a second, by the rows of a result", TITLE)
        .margin(8)
        .margin_right(30) // half of the last label
        .x_label_area_size(30)
        .y_label_area_size(80)
        .build_cartesian_2d(counts.log_scale(), rates.log_scale())?;
    let number = |number: &f64| crate::report::thousands(*number);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .label_style(FONT)
        .draw()?;
    let measured = report.subjects.iter().filter(|row| !row.rows_per_second.is_empty());
    for (at, row) in measured.enumerate() {
        let colour = Palette99::pick(at).stroke_width(2);
        let line = row.rows_per_second.iter().map(|(count, rate)| (*count as f64, *rate));
        chart
            .draw_series(LineSeries::new(line, colour))?
            .label(&row.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .label_font(FONT)
        .draw()?;
    Ok(())
}

/// From the least to the most.
fn range(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    values.clone().fold(f64::INFINITY, f64::min)..values.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn it_has_every_subject() {
        let text = svg(&report()).unwrap();
        for name in ["MySQL function", "MySQL floor", "empty function", "Rows a second"] {
            assert!(text.contains(name), "{name}: not in\n{text}");
        }
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"), "{text}");
    }
}
