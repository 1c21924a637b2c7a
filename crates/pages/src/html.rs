//! The small parts that every section is made of.

use levee::{
    Network,
    alloy::primitives::{Address, B256},
    display::{decimal, ether, utc},
    text::{address::short, amount, escape, time::time_from as time_and_distance},
};
use levee_model::{Amount, Asset, Rate, Timestamp, Units, Wei, prorata};
use maud::{Markup, html};
use url::Url;

/// Decimal places that are shown; the element has all of them.
const PLACES: usize = 4;
/// Characters of a text that is not a link.
const SHOWN: usize = 80;

/// An amount of ETH: shown rounded down to four places, with the exact number of wei for programs and as a title.
pub(crate) fn eth(wei: Wei) -> Markup {
    let (shown, exact) = (short_eth(wei), ether(wei));
    html! { data.n value=(wei.get()) title=(exact) { (shown) } }
}

/// The same as a text, without what is exact.
pub(crate) fn short_eth(wei: Wei) -> String {
    format!("{} ETH", rounded_down(wei.get()))
}

/// The same; `unknown` while shares cannot be valued.
pub(crate) fn eth_or_unknown(wei: Option<Wei>) -> Markup {
    wei.map_or_else(|| html! { span.n { "unknown" } }, eth)
}

/// An amount as booked: the element has the exact number in the asset's own unit, and stETH is shown by its shares, and its value, if `rate` is known.
pub(crate) fn units(units: Units, asset: Asset, rate: Option<Rate>) -> Markup {
    let shown = match (units.of(asset), rate) {
        (Amount::Eth(wei), _) => format!("{} ETH", rounded_down(wei.get())),
        (Amount::WstEth(units), _) => format!("{} wstETH", rounded_down(units.get())),
        (Amount::StEth(shares), Some(rate)) if !shares.is_zero() => {
            let worth = prorata::shares_value_down(shares, rate);
            format!("{} stETH ({shares})", rounded_down(worth.get()))
        }
        (Amount::StEth(_), _) => amount::units(units, asset, rate),
    };
    // A number of shares is too long for one line of a phone.
    let class = (asset != Asset::StEth).then_some("n");
    html! { data class=[class] value=(units.get()) title=(amount::units(units, asset, rate)) { (shown) } }
}

/// A number of 10^-18 parts with thousands set apart, rounded down to four places; what is less is said to be.
fn rounded_down(parts: u128) -> String {
    let text = decimal(parts);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.get(..PLACES).unwrap_or(fraction).trim_end_matches('0');
    match (whole, fraction) {
        ("0", "") if parts > 0 => "< 0.0001".into(),
        (_, "") => grouped(whole),
        _ => format!("{}.{fraction}", grouped(whole)),
    }
}

/// `68,900`, of `68900`.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 contributor`, `2 contributors`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(&count.to_string()), if count == 1 { "" } else { "s" })
}

/// A time in UTC, for people and programs.
pub(crate) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(utc(at)) { (utc(at).replace('T', " ").replace('Z', " UTC")) } }
}

/// The same with its distance from `now`.
pub(crate) fn time_from(at: Timestamp, now: Timestamp) -> Markup {
    let text = time_and_distance(at, now);
    let distance = text.split_once(' ').map_or("", |(_, distance)| distance);
    html! { (time(at)) " " span.dim { (distance) } }
}

/// An account by its name, if it has one, and its address, with a link to the explorer of the chain, if that is known.
pub(crate) fn account(address: Address, name: Option<&str>, chain: u64) -> Markup {
    account_as(address, name, chain, &short(address))
}

/// The same with the whole address.
pub(crate) fn whole_account(address: Address, name: Option<&str>, chain: u64) -> Markup {
    account_as(address, name, chain, &address.to_string())
}

fn account_as(address: Address, name: Option<&str>, chain: u64, label: &str) -> Markup {
    let text = match name {
        Some(name) => html! { bdi { (escape::line(name)) } " " },
        None => html! {},
    };
    html! { (text) (explored(chain, &format!("address/{address}"), &address.to_string(), label)) }
}

/// A transaction, with a link to the explorer of the chain, if that is known.
pub(crate) fn transaction(hash: B256, label: &str, chain: u64) -> Markup {
    explored(chain, &format!("tx/{hash}"), &hash.to_string(), label)
}

fn explored(chain: u64, path: &str, whole: &str, label: &str) -> Markup {
    match Network::of(chain).and_then(|network| network.explorer) {
        Some(explorer) => html! {
            a.address.whole-address[label == whole] href={ (explorer) "/" (path) } rel=(REL) { (label) }
        },
        None => html! { span.address.whole-address[label == whole] title=(whole) { (label) } },
    }
}

/// For every link that leads away: the page it leads to learns nothing, and gains nothing.
const REL: &str = "noopener noreferrer nofollow";

/// A link that anyone may have written: followed only if it is one of the web, and shown with its host. Anything else is text.
pub(crate) fn foreign_link(text: &str) -> Markup {
    let web = Url::parse(text).ok().filter(is_plain);
    match web.as_ref().and_then(|url| Some((url, url.host_str()?))) {
        Some((url, host)) => html! { a href=(url.as_str()) rel=(REL) { bdi { (host) } } },
        None => foreign_text(text),
    }
}

/// A text that anyone may have written.
pub(crate) fn foreign_text(text: &str) -> Markup {
    html! { bdi { (shortened(&escape::line(text))) } }
}

/// Whether an address is one of the web, with nothing before the host that could be taken for one.
fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

/// Names with their values.
pub(crate) fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! { dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } } }
}

/// A table that scrolls by itself where it is too wide; its cells carry their column's name for narrow screens.
pub(crate) fn table<const N: usize>(caption: &str, header: [&str; N], rows: &[[Markup; N]]) -> Markup {
    html! {
        table {
            caption { (caption) }
            thead { tr { @for name in header { th scope="col" { (name) } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (index, (cell, name)) in row.iter().zip(header).enumerate() {
                            @if index == 0 { th scope="row" data-label=(name) { (cell) } }
                            @else { td data-label=(name) { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// The beginning of a text that may be long.
fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_none() { start } else { format!("{start}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_down_to_four_places_and_kept_exact() {
        let ether = 10u128.pow(18);
        let cases = [
            (0, "0"),
            (1, "< 0.0001"),
            (ether / 10_000, "0.0001"),
            (ether - 1, "0.9999"),
            (68_900 * ether, "68,900"),
            (1_234_567 * ether + ether / 2, "1,234,567.5"),
        ];
        for (parts, shown) in cases {
            assert_eq!(rounded_down(parts), shown);
        }
        let exact =
            r#"<data class="n" value="1500000000000000001" title="1.500000000000000001 ETH">1.5 ETH</data>"#;
        assert_eq!(eth(Wei::new(1_500_000_000_000_000_001)).into_string(), exact);
    }

    #[test]
    fn steth_is_shown_by_its_shares_and_their_value() {
        let rate = Rate::new(1_250_000_000_000_000_000_000_000_000);
        let shares = Units::new(2 * 10u128.pow(18));
        let shown = units(shares, Asset::StEth, rate).into_string();
        let text = "2.5 stETH (2000000000000000000 shares)";
        assert_eq!(shown, format!(r#"<data value="2000000000000000000" title="{text}">{text}</data>"#));
        let unvalued = units(shares, Asset::StEth, None).into_string();
        assert!(unvalued.ends_with(">2000000000000000000 shares</data>"), "{unvalued}");
        for rate in [rate, None] {
            assert!(units(Units::ZERO, Asset::StEth, rate).into_string().ends_with(">0 stETH</data>"));
        }
    }

    #[test]
    fn only_links_of_the_web_can_be_followed() {
        let linked = foreign_link("https://forum.example/t/1?a=1&b=\"2").into_string();
        let expected = r#"<a href="https://forum.example/t/1?a=1&amp;b=%222" rel="noopener noreferrer nofollow"><bdi>forum.example</bdi></a>"#;
        assert_eq!(linked, expected);
        for hostile in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "JaVaScRiPt:alert(1)",
            "vbscript:x",
            "file:///etc/passwd",
            "//example.org/x",
            "https://aave.com@evil.example/",
            "\"><img src=x onerror=alert(1)>",
            "",
        ] {
            let text = foreign_link(hostile).into_string();
            assert!(!text.contains("<a") && !text.contains("<script") && !text.contains("<img"), "{text}");
        }
        assert_eq!(foreign_link("a\u{202e}b").into_string(), "<bdi>a\\u{202e}b</bdi>");
        assert_eq!(foreign_link(&"é".repeat(81)).into_string(), format!("<bdi>{}…</bdi>", "é".repeat(80)));
    }

    #[test]
    fn names_are_escaped_and_kept_apart() {
        let text = account(Address::ZERO, Some("<b>\u{202e}Aave\"</b>"), 31_337).into_string();
        assert!(
            text.starts_with("<bdi>&lt;b&gt;\\u{202e}Aave&quot;&lt;/b&gt;</bdi> <span class=\"address\""),
            "{text}"
        );
        let linked = account(Address::ZERO, None, 1).into_string();
        assert!(
            linked.starts_with("<a class=\"address\" href=\"https://etherscan.io/address/0x0000"),
            "{linked}"
        );
        let whole = whole_account(Address::ZERO, None, 31_337).into_string();
        let zero = Address::ZERO;
        assert_eq!(whole, format!(r#"<span class="address whole-address" title="{zero}">{zero}</span>"#));
    }
}
