//! How much of its target a rescue has, as a small picture for other pages.

use levee::{Block, display::utc, text::status};
use levee_model::{Asset, RescueView, Status, Units, Wei};
use maud::{Markup, html};

use crate::html::short_eth;

/// Width of a character, and of what is left free beside a text.
const CHARACTER: usize = 7;
const MARGIN: usize = 8;

/// `locked 43,500 / 68,900 ETH`, as SVG. Amounts are rounded down to four places. Its title has the block too.
pub fn badge(view: &RescueView, block: Block) -> String {
    let label = if view.status == Status::Open { "locked" } else { "pledged" };
    let target = short_eth(view.terms.target);
    let locked = match view.coverage.map(short_eth) {
        Some(locked) => locked.trim_end_matches(" ETH").to_owned(),
        None => valued_apart(view),
    };
    let at = format!(
        "{} at the end of block {}, {}",
        status::text(view, block.time),
        block.number,
        utc(block.time)
    );
    picture(label, &format!("{locked} / {target}"), &at).into_string()
}

/// What is locked in ETH, where what there is in shares has no value that is known.
fn valued_apart(view: &RescueView) -> String {
    let ether = view.pots.iter().filter(|pot| pot.asset == Asset::Eth).map(|pot| pot.total).sum::<Units>();
    if ether.is_zero() { "shares".into() } else { format!("{} + shares", short_eth(Wei::new(ether.get()))) }
}

fn picture(label: &str, text: &str, at: &str) -> Markup {
    let [left, right] = [label, text].map(|text| text.len() * CHARACTER + 2 * MARGIN);
    let (width, title) = (left + right, format!("{label}: {text} ({at})"));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height="20" role="img" aria-label=(title) {
            title { (title) }
            rect width=(left) height="20" fill="#31566f" {}
            rect x=(left) width=(right) height="20" fill="#0067a0" {}
            g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                text x=(MARGIN) y="14" textLength=(left - 2 * MARGIN) { (label) }
                text x=(left + MARGIN) y="14" textLength=(right - 2 * MARGIN) { (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_as_wide_as_its_texts() {
        let text = picture("locked", "1 / 2 ETH", "Open at the end of block 3").into_string();
        assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"137\""), "{text}");
        assert!(text.contains("<title>locked: 1 / 2 ETH (Open at the end of block 3)</title>"), "{text}");
    }
}
