//! Charts as SVG. Sizes are in whole parts of the width, so that no figure is rounded but the drawn one.

use levee::text::percent;
use levee_model::{Timestamp, Wei};
use maud::{Markup, html};

/// Width of all charts, in their own unit.
const WIDTH: u128 = 1_000;
const BAR_HEIGHT: u128 = 18;
const CHART_HEIGHT: u128 = 220;

/// What a bar is filled with. What is only said is hatched, so that it is never taken for money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Grant,
    Conditional,
    Loan,
    Said,
    Whole,
}

impl Fill {
    const fn class(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Conditional => "conditional",
            Self::Loan => "loan",
            Self::Said => "said",
            Self::Whole => "whole",
        }
    }
}

/// The pattern that all hatched bars use.
pub(crate) fn patterns() -> Markup {
    html! {
        svg.patterns width="0" height="0" aria-hidden="true" focusable="false" {
            pattern #hatch width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect.hatched width="3" height="8" {}
            }
        }
    }
}

/// A bar of `part`, on a scale that ends at `scale`, which is not zero, with marks such as the target. `title` says the same.
pub(crate) fn bar(part: Wei, scale: Wei, fill: Fill, marks: &[Wei], title: &str) -> Markup {
    let class = fill.class();
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " " (BAR_HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            rect.track width=(WIDTH) height=(BAR_HEIGHT) {}
            rect class=(class) width=(place(part, scale)) height=(BAR_HEIGHT) {}
            @for &mark in marks {
                @let x = place(mark, scale);
                line.mark x1=(x) x2=(x) y1="0" y2=(BAR_HEIGHT) {}
            }
        }
    }
}

/// A bar from one value to another, on a scale that ends at `scale`. `title` says the same.
pub(crate) fn part(from: Wei, to: Wei, scale: Wei, title: &str) -> Markup {
    let [from, to] = [from, to].map(|value| if scale.is_zero() { 0 } else { place(value, scale) });
    // `to` is not the smaller one.
    let width = to.saturating_sub(from);
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " " (BAR_HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            rect.track width=(WIDTH) height=(BAR_HEIGHT) {}
            rect.whole x=(from) width=(width) height=(BAR_HEIGHT) {}
        }
    }
}

/// Where a value is on a scale, rounded down, and at most its end.
fn place(value: Wei, scale: Wei) -> u128 {
    (percent::bps_down(value, scale) * WIDTH / 10_000).min(WIDTH)
}

/// A value from a time on.
pub(crate) type Step = (Timestamp, Wei);

/// What was locked over time, as steps, beside the target.
#[derive(Debug)]
pub(crate) struct OverTime {
    line: String,
    /// How far below the top the target is.
    target: u128,
    title: String,
}

impl OverTime {
    /// `steps` are in order and begin before `until`.
    pub(crate) fn new(steps: &[Step], until: Timestamp, target: Wei, title: String) -> Self {
        let highest = steps.iter().map(|&(_, value)| value).max().unwrap_or_default().max(target);
        // A little air above the highest.
        let scale = Wei::new(highest.get() + highest.get() / 16 + 1);
        let y = |value| CHART_HEIGHT - place(value, scale) * CHART_HEIGHT / WIDTH;
        Self { line: path(steps, until, y), target: y(target), title }
    }

    /// In a page, whose style it has.
    pub(crate) fn in_page(&self) -> Markup {
        let Self { line, target, title } = self;
        html! {
            svg.chart viewBox={ "0 0 " (WIDTH) " " (CHART_HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(title) {
                title { (title) }
                path.area d={ (line) "V" (CHART_HEIGHT) "H0Z" } {}
                path.line d=(line) {}
                line.target x1="0" x2=(WIDTH) y1=(target) y2=(target) {}
            }
        }
    }

    /// As a picture for other pages.
    pub(crate) fn alone(&self) -> Markup {
        let Self { line, target, title } = self;
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (CHART_HEIGHT) } role="img" aria-label=(title) {
                title { (title) }
                rect width=(WIDTH) height=(CHART_HEIGHT) fill="#ffffff" {}
                path d={ (line) "V" (CHART_HEIGHT) "H0Z" } fill="#cfe3ef" {}
                path d=(line) fill="none" stroke="#0067a0" stroke-width="3" {}
                line x1="0" x2=(WIDTH) y1=(target) y2=(target) stroke="#31566f" stroke-width="2" stroke-dasharray="8 6" {}
            }
        }
    }
}

/// The steps as a path; of those at one place, the last.
fn path(steps: &[Step], until: Timestamp, y: impl Fn(Wei) -> u128) -> String {
    let Some(&(first, _)) = steps.first() else { return String::new() };
    let length = u128::from(until.saturating_sub(first).max(1));
    let x = |time: Timestamp| (u128::from(time.saturating_sub(first)) * WIDTH / length).min(WIDTH);
    let mut path = format!("M0 {}", y(Wei::ZERO));
    for (index, &(time, value)) in steps.iter().enumerate() {
        let is_last = steps.get(index + 1).is_none_or(|&(next, _)| x(next) != x(time));
        if is_last {
            path.push_str(&format!("H{}V{}", x(time), y(value)));
        }
    }
    path.push_str(&format!("H{WIDTH}"));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_its_value() {
        let places = [(0, 0), (1, 0), (4_999, 499), (5_000, 500), (10_000, 1_000), (20_000, 1_000)];
        for (value, expected) in places {
            assert_eq!(place(Wei::new(value), Wei::new(10_000)), expected, "{value}");
        }
        let text =
            bar(Wei::new(50), Wei::new(200), Fill::Said, &[Wei::new(100)], "a \"b\" <c>").into_string();
        assert!(text.contains(r#"<rect class="said" width="250" height="18">"#), "{text}");
        assert!(text.contains(r#"<line class="mark" x1="500" x2="500""#), "{text}");
        assert!(text.contains("<title>a &quot;b&quot; &lt;c&gt;</title>"), "{text}");
    }

    #[test]
    fn of_steps_at_one_place_the_last_is_drawn() {
        let steps: Vec<Step> = (0..100_000).map(|time| (time, Wei::new(u128::from(time)))).collect();
        let line = path(&steps, 100_000, |value| value.get());
        assert_eq!(line.matches('H').count(), 1_001);
        assert!(line.starts_with("M0 0H0V99H1V199H2"), "{}", &line[..40]);
        assert!(line.ends_with("H999V99999H1000"));
    }
}
