//! Curves, point by point, round by round.

use benches::chart::Curve;
use benches::figures::{median, short};
use benches::regime::{Probe, Regime};

/// One picture.
pub(crate) struct Chart {
    /// Of the file, without its ending.
    pub(crate) file: &'static str,
    pub(crate) title: String,
    /// Below, and to the left.
    pub(crate) axes: [&'static str; 2],
    pub(crate) curves: Vec<Curve>,
}

/// One curve to be measured.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// The figure at this place.
    pub(crate) sample: Box<dyn Fn(u64) -> f64>,
}

impl Line {
    pub(crate) fn new(name: &'static str, sample: impl Fn(u64) -> f64 + 'static) -> Self {
        Self { name, sample: Box::new(sample) }
    }
}

impl Chart {
    /// The points, and how the last compares with the first.
    pub(crate) fn print(&self) {
        println!("\n{}\n  {} against {}", self.title, self.axes[1], self.axes[0]);
        for curve in &self.curves {
            let points: Vec<String> =
                curve.points.iter().map(|(x, y)| format!("{x}: {}", short(*y))).collect();
            println!("  {:<24} {}", curve.name, points.join("  "));
            if let (Some((_, first)), Some((_, last))) = (curve.points.first(), curve.points.last()) {
                println!("  {:<24} last over first: {}", "", short(last / first));
            }
        }
    }
}

/// A figure and the regime it was taken in, if that lasted.
pub(crate) type Tagged = (f64, Option<Regime>);

/// Measures all lines at all places, so many times, and takes medians within the regime that was seen most.
pub(crate) fn measure(lines: &[Line], places: &[u64], rounds: usize, probe: &Probe) -> Vec<Curve> {
    let mut figures: Vec<Vec<Vec<Tagged>>> = vec![vec![Vec::new(); places.len()]; lines.len()];
    for _ in 0..rounds {
        for (index, &place) in places.iter().enumerate() {
            for (line, figures) in lines.iter().zip(&mut figures) {
                figures[index].push(tagged(probe, || (line.sample)(place)));
            }
        }
    }
    let regime = prevalent(figures.iter().flatten().flatten());
    let curve = |(line, figures): (&Line, &Vec<Vec<Tagged>>)| {
        let points = places.iter().zip(figures).filter_map(|(&place, figures)| point(place, figures, regime));
        Curve { name: format!("{} ({regime})", line.name), points: points.collect() }
    };
    lines.iter().zip(&figures).map(curve).collect()
}

/// Measures once.
pub(crate) fn tagged(probe: &Probe, sample: impl FnOnce() -> f64) -> Tagged {
    let before = probe.read().regime;
    let figure = sample();
    (figure, (probe.read().regime == before).then_some(before))
}

/// The regime seen most.
pub(crate) fn prevalent<'a>(figures: impl Iterator<Item = &'a Tagged>) -> Regime {
    let [near, far] = figures.fold([0, 0], |[near, far], (_, regime)| match regime {
        Some(Regime::Near) => [near + 1, far],
        Some(Regime::Far) => [near, far + 1],
        None => [near, far],
    });
    if near > far { Regime::Near } else { Regime::Far }
}

#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn point(place: u64, figures: &[Tagged], regime: Regime) -> Option<(f64, f64)> {
    let kept: Vec<f64> =
        figures.iter().filter(|(_, seen)| *seen == Some(regime)).map(|(figure, _)| *figure).collect();
    (!kept.is_empty()).then(|| (place as f64, median(&kept)))
}
