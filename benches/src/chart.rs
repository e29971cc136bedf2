//! Charts, drawn as SVG. Text is left to the viewer's fonts.

use std::path::Path;

use plotters::prelude::*;

/// Points joined by lines.
#[derive(Clone, Debug)]
pub struct Curve {
    /// As the legend calls it.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Bars side by side, one a name, with their bounds.
#[derive(Clone, Debug)]
pub struct Column {
    /// As it stands beside the bar.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// From where to where its figures went.
    pub bounds: (f64, f64),
    /// Whether it is to stand out.
    pub ours: bool,
}

/// Charts of bars, one below the other, on scales of their own.
#[derive(Clone, Debug)]
pub struct Bars {
    /// What is compared.
    pub title: String,
    /// The contenders, in order.
    pub columns: Vec<Column>,
}

/// What went wrong while drawing, in words.
pub type DrawError = Box<dyn std::error::Error>;

const WIDTH: u32 = 900;
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 80, 0),
    RGBColor(0, 130, 80),
    RGBColor(150, 40, 120),
    RGBColor(110, 110, 0),
    RGBColor(90, 90, 90),
];

/// Draws curves over a logarithmic axis, from zero up; nothing if there is no point.
///
/// # Errors
///
/// The file cannot be written.
pub fn curves(path: &Path, title: &str, axes: [&str; 2], curves: &[Curve]) -> Result<(), DrawError> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    if points().next().is_none() {
        return Ok(());
    }
    let (left, right) =
        points().fold((f64::INFINITY, 0.0_f64), |(a, b), point| (a.min(point.0), b.max(point.0)));
    let top = points().fold(0.0_f64, |top, point| top.max(point.1)) * 1.15;
    let area = SVGBackend::new(path, (WIDTH, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((left..right.max(left * 2.0)).log_scale(), 0.0..top.max(f64::MIN_POSITIVE))?;
    chart.configure_mesh().x_desc(axes[0]).y_desc(axes[1]).light_line_style(WHITE).draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.into_iter().cycle()) {
        chart
            .draw_series(LineSeries::new(curve.points.clone(), colour.stroke_width(2)).point_size(3))?
            .label(curve.name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    area.present()?;
    Ok(())
}

const LINE: u32 = 20;
const HEAD: u32 = 40;
const NAMES: i32 = 230;
/// Left of it the bars, right of it their figures.
const SPAN: f64 = 520.0;

/// Draws charts of bars below each other. Whoever is more than ten times the first bar's length is cut off, and said so.
///
/// # Errors
///
/// The file cannot be written.
pub fn bars(path: &Path, charts: &[Bars]) -> Result<(), DrawError> {
    let height: u32 =
        charts.iter().map(|chart| HEAD + LINE * u32::try_from(chart.columns.len()).unwrap_or(0)).sum();
    let area = SVGBackend::new(path, (WIDTH, height + 20)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut top = 10;
    for chart in charts {
        area.draw(&Text::new(chart.title.clone(), (12, top), ("sans-serif", 16)))?;
        top += i32::try_from(HEAD)? - 14;
        let longest = chart.columns.iter().fold(0.0_f64, |longest, column| longest.max(column.value));
        let least = chart.columns.iter().fold(f64::INFINITY, |least, column| least.min(column.value));
        let scale = SPAN / longest.min(least * 10.0).max(f64::MIN_POSITIVE);
        for column in &chart.columns {
            draw_column(&area, column, top, scale)?;
            top += i32::try_from(LINE)?;
        }
        top += 14;
    }
    area.present()?;
    Ok(())
}

fn draw_column(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    column: &Column,
    top: i32,
    scale: f64,
) -> Result<(), DrawError> {
    let end = |value: f64| NAMES + pixels((value * scale).min(SPAN));
    let colour = if column.ours { COLOURS[0] } else { COLOURS[5] };
    let middle = top + 7;
    area.draw(&Text::new(column.name.clone(), (12, top), ("sans-serif", 13)))?;
    area.draw(&Rectangle::new([(NAMES, top), (end(column.value), top + 14)], colour.mix(0.7).filled()))?;
    let whisker = [(end(column.bounds.0), middle), (end(column.bounds.1), middle)];
    area.draw(&PathElement::new(whisker, BLACK.stroke_width(1)))?;
    let cut = if column.value * scale > SPAN { " (cut off)" } else { "" };
    let figure = format!("{}{cut}", crate::figures::short(column.value));
    let at = (end(column.bounds.1.max(column.value)) + 6, top);
    area.draw(&Text::new(figure, at, ("sans-serif", 13)))?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "within the picture")]
fn pixels(length: f64) -> i32 {
    length.round() as i32
}
