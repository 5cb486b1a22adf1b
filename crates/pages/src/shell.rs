//! What stands around every page: head, navigation, who is signed in, notices.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::money::Money;
use fullmakt_domain::operation;
use fullmakt_server::text::{Language, Text, Value};
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::dashboard::lacking;
use crate::error::PageError;
use crate::visitor::{Agent, Guest, Visit};
use crate::{assets, format, words};

/// The entry of a navigation that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// None: signing in, errors.
    None,
    /// Dashboard: Home.
    Home,
    /// Dashboard: the list of customers, or a page without an entry of its own under it.
    Customers,
    /// Dashboard: Prices.
    Prices,
    /// Dashboard: Billing.
    Billing,
    /// Dashboard: the activity log.
    ActivityLog,
    /// Dashboard: the rules of returns.
    RefundRules,
    /// Dashboard, a customer: Subscriptions.
    CustomerSubscriptions,
    /// Dashboard, a customer: Azure reservations.
    CustomerReservations,
    /// Dashboard, a customer: Order history.
    CustomerOrders,
    /// Dashboard, a customer: Returns.
    CustomerReturns,
    /// Dashboard, a customer: Statement.
    CustomerStatement,
    /// Dashboard, a customer: Account.
    CustomerAccount,
    /// Dashboard, a customer: Add products.
    AddProducts,
    /// Dashboard, a customer, and portal: Usage.
    Usage,
    /// Dashboard, a customer, and portal: What to buy.
    WhatToBuy,
    /// Portal: Subscriptions, with access control.
    Subscriptions,
    /// Portal: Reservations.
    Reservations,
    /// Portal: Purchase.
    Purchase,
    /// Portal: Statement.
    Statement,
}

/// Which part of the product a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Neither.
    None,
    /// `/dashboard`.
    Dashboard,
    /// `/portal/{customer}`.
    Portal,
}

/// Who is signed in, as the head of a page shows it.
#[derive(Debug, Clone)]
pub struct Who {
    /// The user's name.
    pub name: String,
    /// The name to sign in with.
    pub upn: String,
    /// Whose user.
    pub company: String,
    /// The roles at the partner, in words; empty for a customer's users.
    pub roles: String,
}

/// The customer that a page is about.
#[derive(Debug, Clone)]
pub struct About {
    /// Which.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
}

/// Entries of the navigation that are there for some roles only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opens {
    /// Statements and bills.
    pub books: bool,
    /// The limit and the rules of returns.
    pub returns: bool,
}

/// What every page carries.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The texts.
    pub text: Text,
    /// The title of the page.
    pub title: String,
    /// Where it belongs.
    pub place: Place,
    /// The part of the product.
    pub part: Part,
    /// Who is signed in.
    pub who: Option<Who>,
    /// The token that forms repeat.
    pub csrf: String,
    /// Path and query of this page.
    pub here: String,
    /// What just happened, if anything.
    pub notice: Option<String>,
    /// The customer that the page is about.
    pub customer: Option<About>,
    /// A partner's agent acts for the customer: the name of the partner.
    pub on_behalf: Option<String>,
    /// Which further entries of the navigation the visitor's roles open.
    pub opens: Opens,
    /// The way here, as names and paths; the page itself is not among them.
    pub trail: Vec<(String, String)>,
}

impl Shell {
    /// A page that belongs to neither part.
    pub fn plain(visit: &Visit, title: String, place: Place) -> Self {
        let t = visit.text;
        let who = visit.session.as_ref().map(|session| Who {
            name: session.principal.name.clone(),
            upn: session.principal.upn.clone().unwrap_or_default(),
            company: session.home.name.clone(),
            roles: session.roles.iter().map(|role| words::partner_role(t, *role)).collect::<Vec<_>>().join(", "),
        });
        let notice = visit.query.get("notice").filter(|key| key.starts_with("notice-") && t.knows(key));
        Self {
            text: t,
            title,
            place,
            part: Part::None,
            who,
            csrf: visit.csrf.clone(),
            here: visit.here.clone(),
            notice: notice.map(|key| t.get(key)),
            customer: None,
            on_behalf: None,
            opens: Opens::default(),
            trail: Vec::new(),
        }
    }

    /// A page of the dashboard.
    pub fn dashboard(agent: &Agent, title: String, place: Place) -> Self {
        let opens = Opens {
            books: lacking(agent, &operation::READ_STATEMENT).is_none(),
            returns: lacking(agent, &operation::READ_REFUND_WINDOW).is_none(),
        };
        Self { part: Part::Dashboard, opens, ..Self::plain(agent.visit(), title, place) }
    }

    /// A page of the dashboard about a customer.
    pub fn customer(agent: &Agent, id: CustomerId, name: &str, title: String, place: Place) -> Self {
        let shell = Self::dashboard(agent, title, place);
        let trail = vec![
            (shell.t("nav-customers"), "/dashboard/customers".to_owned()),
            (name.to_owned(), format!("/dashboard/customers/{id}/subscriptions")),
        ];
        Self { customer: Some(About { id, name: name.to_owned() }), trail, ..shell }
    }

    /// A page of a customer's portal.
    pub fn portal(guest: &Guest, title: String, place: Place) -> Self {
        let shell = Self::plain(guest.visit(), title, place);
        let on_behalf = guest.on_behalf().then(|| guest.visitor.session.home.name.clone());
        let customer = Some(About { id: guest.customer, name: guest.customer_name.clone() });
        Self { part: Part::Portal, on_behalf, customer, ..shell }
    }

    /// Adds a step to the way here.
    pub fn via(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.trail.push((name.into(), path.into()));
        self
    }

    /// A text.
    pub fn t(&self, key: &str) -> String {
        self.text.get(key)
    }

    /// A text with a value.
    pub fn t1(&self, key: &str, name: &str, value: impl Value) -> String {
        self.text.with(key, name, value)
    }

    /// A text with two values.
    pub fn t2(&self, key: &str, name: &str, value: impl Value, name_2: &str, value_2: impl Value) -> String {
        self.text.with_all(key, &[(name, &value), (name_2, &value_2)])
    }

    /// An amount.
    pub fn money(&self, amount: &Money) -> String {
        format::money(self.language(), *amount)
    }

    /// A whole number.
    pub fn number(&self, number: impl ToString) -> String {
        format::number(self.language(), number)
    }

    /// A day.
    pub fn date(&self, day: &Date) -> String {
        format::date(self.text, *day)
    }

    /// The day of an instant, in UTC.
    pub fn day(&self, at: &Timestamp) -> String {
        format::day_of(self.text, *at)
    }

    /// An instant to the minute, in UTC.
    pub fn instant(&self, at: &Timestamp) -> String {
        format::instant(self.text, *at)
    }

    /// The language of the page.
    pub fn language(&self) -> Language {
        self.text.language()
    }

    /// Whether the page belongs to an entry of the navigation.
    pub fn is_at(&self, place: Place) -> bool {
        self.place == place
    }

    /// Whether it is a page of the dashboard.
    pub fn in_dashboard(&self) -> bool {
        self.part == Part::Dashboard
    }

    /// Whether it is a page of a portal.
    pub fn in_portal(&self) -> bool {
        self.part == Part::Portal
    }

    /// Where the styles are.
    pub fn style(&self) -> &'static str {
        &assets::STYLE.path
    }

    /// Where the script is.
    pub fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }

    /// Where the icon is.
    pub fn icon(&self) -> &'static str {
        &assets::ICON.path
    }

    /// The first letter of who is signed in.
    pub fn initials(&self) -> String {
        self.who
            .as_ref()
            .and_then(|who| who.name.chars().next())
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default()
    }
}

/// A heading and a sentence.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    /// What every page carries.
    pub shell: Shell,
    /// The heading.
    pub title: String,
    /// What there is to say.
    pub text: String,
}

/// Renders a page.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render a page");
            PageError::Failed.into_response()
        }
    }
}

/// Renders a page that is as it should be.
pub fn ok(page: &impl Template) -> Response {
    render(StatusCode::OK, page)
}

/// After a form was carried out: shows another page, with a notice (a key beginning with `notice-`).
pub fn go(path: &str, notice: &'static str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{mark}notice={notice}")).into_response()
}
