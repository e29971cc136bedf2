//! The few things that are drawn, in pixels.

use std::fmt::Display;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{Cross, PathElement, Polygon, Rectangle, Text, TriangleMarker};
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle};

// Okabe and Ito's, as far as they are used.
pub(super) const BLACK: RGBColor = RGBColor(0, 0, 0);
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(super) const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// For what is not data.
pub(super) const GREY: RGBColor = RGBColor(90, 90, 90);
pub(super) const WHITE: RGBColor = RGBColor(255, 255, 255);

/// A colour and how much of it.
#[derive(Clone, Copy)]
pub(super) struct Ink(pub(super) RGBColor, pub(super) f64);

/// Which side of a text its position is.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

type Point = (i32, i32);

/// An SVG file under way.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(path: &'a Path, (width, height): Point) -> Result<Self, String> {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::new(path, size).into_drawing_area();
        area.fill(&WHITE).map_err(said)?;
        Ok(Self { area })
    }

    pub(super) fn line(&self, points: Vec<Point>, colour: RGBColor, width: u32) -> Result<(), String> {
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: width };
        self.area.draw(&PathElement::new(points, style)).map_err(said)
    }

    pub(super) fn fill(&self, points: Vec<Point>, Ink(colour, share): Ink) -> Result<(), String> {
        self.area.draw(&Polygon::new(points, colour.mix(share).filled())).map_err(said)
    }

    pub(super) fn rectangle(&self, corners: [Point; 2], Ink(colour, share): Ink) -> Result<(), String> {
        self.area.draw(&Rectangle::new(corners, colour.mix(share).filled())).map_err(said)
    }

    pub(super) fn triangle(&self, at: Point, colour: RGBColor) -> Result<(), String> {
        self.area.draw(&TriangleMarker::new(at, 5, colour.filled())).map_err(said)
    }

    pub(super) fn cross(&self, at: Point, colour: RGBColor) -> Result<(), String> {
        self.area.draw(&Cross::new(at, 4, colour.stroke_width(2))).map_err(said)
    }

    /// A text whose middle line is at this height.
    pub(super) fn text(
        &self,
        text: &str,
        at: Point,
        size: i32,
        Ink(colour, share): Ink,
        align: Align,
    ) -> Result<(), String> {
        self.write(text, at, size, FontStyle::Normal, (colour, share), align)
    }

    pub(super) fn bold(&self, text: &str, at: Point, size: i32) -> Result<(), String> {
        self.write(text, at, size, FontStyle::Bold, (BLACK, 1.0), Align::Left)
    }

    pub(super) fn finish(&self) -> Result<(), String> {
        self.area.present().map_err(said)
    }

    fn write(
        &self,
        text: &str,
        at: Point,
        size: i32,
        font: FontStyle,
        (colour, share): (RGBColor, f64),
        align: Align,
    ) -> Result<(), String> {
        let across = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        // The backend takes the size for that of a box around the letters, and divides by this.
        let font = ("sans-serif", f64::from(size) * 1.24).into_font().style(font);
        let colour = colour.mix(share);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(across, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style)).map_err(said)
    }
}

fn said(error: impl Display) -> String {
    error.to_string()
}
