//! Every page, found by following every link: what the pictures and the checks of accessibility visit.

use crate::document::Document;
use crate::furnish::{BEGINS, furnish};
use crate::pages::Browser;
use crate::persona::Persona;
use crate::server::Server;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Deref;
use std::path::PathBuf;

/// How many pages of one shape are visited. Those with other names in their queries, such as an open row, are another shape.
const OF_A_SHAPE: usize = 1;
/// A page that somebody sees.
#[derive(Clone)]
pub struct Stop {
    /// Who.
    pub who: Persona,
    /// Its path and query.
    pub path: String,
    /// A name for its picture, such as `ada-dashboard-customers-account`.
    pub name: String,
}

/// A server on which enough has happened that every page has something to show.
pub struct Tour {
    server: Server,
    /// Pages that no link leads to.
    further: Vec<Stop>,
}

impl Deref for Tour {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Tour {
    /// Starts the server and lets it all happen.
    pub async fn start(program: Option<PathBuf>) -> Self {
        let server = Server::start_at(BEGINS, program).await;
        let further = furnish(&server).await;
        Self { server, further }
    }

    /// Every page, seen by those to whom it looks different: at Nordmoln's and Fjällräven's, where much has happened, and at
    /// Sydmoln's and Kustfiske's, where nothing has.
    pub async fn stops(&self) -> Vec<Stop> {
        let full = [("ada", self.ada()), ("sven", self.sven()), ("olle", self.olle()), ("rut", self.rut())];
        let empty = [("ture", self.ture()), ("frida", self.frida())];
        let mut stops = Vec::new();
        for (name, who) in full.into_iter().chain(empty) {
            let mut numbers = BTreeMap::<String, usize>::new();
            for path in walk(&mut who.browses().await).await {
                let plain = plain_name(&path);
                let number = numbers.entry(plain.clone()).or_default();
                *number += 1;
                let suffix = if *number == 1 { String::new() } else { format!("-{number}") };
                stops.push(Stop { who: who.clone(), path, name: format!("{name}-{plain}{suffix}") });
            }
            stops.extend(self.further.iter().filter(|stop| stop.who.id == who.id).cloned());
        }
        stops
    }
}

/// The pages that somebody gets to by following links from the front page, some of each shape.
async fn walk(browser: &mut Browser) -> Vec<String> {
    let mut waiting = VecDeque::from(["/".to_owned()]);
    let (mut known, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut shapes = BTreeMap::<String, usize>::new();
    let mut pages = Vec::new();
    while let Some(path) = waiting.pop_front() {
        let answer = browser.gets(&path).await;
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let at = browser.at.clone();
        if answer.status.is_success() && seen.insert(at.clone()) {
            pages.push(at);
        }
        for link in Document::read(&answer.text()).links {
            let Some(link) = own_path(&browser.at, &link) else { continue };
            let visits = shapes.entry(shape_of(&link)).or_default();
            if *visits < OF_A_SHAPE && known.insert(link.clone()) {
                *visits += 1;
                waiting.push_back(link);
            }
        }
    }
    pages
}

/// Where a link of a page leads, when it leads to another page of this server.
pub fn own_path(page: &str, link: &str) -> Option<String> {
    let (link, _) = link.split_once('#').unwrap_or((link, ""));
    let path = page.split('?').next().unwrap_or_default();
    match link.chars().next()? {
        '/' if !link.starts_with("//") => Some(link.to_owned()),
        '?' => Some(format!("{path}{link}")),
        // `mailto:`, `https:`.
        _ => None,
    }
}

/// A path and the names in its query, without what they hold: `/portal/{}/reservations?page`.
pub fn shape_of(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').map(|segment| if is_name(segment) { segment } else { "{}" }).collect();
    let mut keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", segments.join("/"), keys.join("&"))
}

/// Whether a segment is a word of ours, not an identifier.
fn is_name(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// A path as the name of a file; the page of one thing has another name than the list of all.
fn plain_name(path: &str) -> String {
    let shape = shape_of(path);
    let shape = match shape.strip_suffix("/{}") {
        Some(place) => format!("{place}/one"),
        None => shape,
    };
    let shape = shape.replace("/{}", "");
    let words: Vec<&str> = shape.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_names_by_their_shapes() {
        assert_eq!(plain_name("/dashboard/billing"), "dashboard-billing");
        assert_eq!(plain_name("/dashboard/billing/G123"), "dashboard-billing-one");
        assert_eq!(plain_name("/portal/22-22/reservations/1/2?days=7"), "portal-reservations-days");
    }

    #[test]
    fn a_shape_is_a_path_without_identifiers() {
        assert_eq!(shape_of("/portal/2222-22/reservations?b=1&a=2"), "/portal/{}/reservations?a&b");
        assert_eq!(plain_name("/portal/2222-22/reservations?b=1"), "portal-reservations-b");
        assert_eq!(own_path("/a?b=1", "?c=2#d"), Some("/a?c=2".to_owned()));
        assert_eq!(own_path("/a", "mailto:a@b.example"), None);
    }
}
