//! `fullmakt demo`: the main job in one go.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use fullmakt_domain::ids::PrincipalId;
use fullmakt_domain::role;
use fullmakt_store::authn;
use fullmakt_world::{Application, User, World};

use crate::config::{ClockKind, Limits, Listen, LogFormat, Logging, Place, Settings, Transport, default_listen};
use crate::logging;
use crate::ready_file::{self, Ready, ReadyApplication, ReadyUser};
use crate::serve::{Running, Stop, open};
use crate::world_cmd::Loaded;

/// Try it: a server with a small invented world.
///
/// Prints where it listens, who can sign in with what password, and three things to try. It goes by the real time and
/// forgets everything when it ends, unless --data keeps it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt demo
  fullmakt demo --data ./demo                   keeps the world for the next time
  fullmakt demo --listen 127.0.0.1:0 --ready-file ready.json")]
pub struct Demo {
    /// Host and port to listen on; port 0 picks a free one [default: 127.0.0.1:8443, or a free port if that is taken]
    #[arg(long, value_name = "HOST:PORT", value_parser = Listen::parse)]
    listen: Option<Listen>,
    /// Keep the data in this directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the address, users and more as JSON to this file once connections are accepted
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// What to log: a level such as `info`
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

impl Demo {
    /// Runs until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// When it cannot start, with the reason.
    pub async fn run(&self, out: &mut (dyn Write + Send), _err: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let logging = Logging { filter: self.log.clone(), format: Some(LogFormat::Human) };
        logging::start(&logging)?;
        let stop = Stop::listen()?;
        if let Some(path) = &self.ready_file {
            ready_file::clear(path)?;
        }
        // Removed when it goes out of scope, after the server has stopped.
        let temporary = match self.data {
            Some(_) => None,
            None => {
                Some(tempfile::Builder::new().prefix("fullmakt-demo-").tempdir().context("no temporary directory")?)
            }
        };
        let data = match (&self.data, &temporary) {
            (Some(data), _) => data.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => bail!("there is no directory for the data"),
        };
        let world = parsed_demo()?;
        let settings = self.settings(data, logging);
        let loaded = is_new(&settings.place, &world).await?.then(|| Loaded { world: world.clone(), catalog: None });
        let mut running = Running::start(&settings, loaded).await?;
        running.ready.users = Some(users(&world));
        running.ready.applications = Some(applications(&world));
        if let Some(path) = &self.ready_file {
            ready_file::write(path, &running.ready)?;
        }
        write!(out, "{}", greeting(&running.ready, &world)).and_then(|()| out.flush()).context("cannot write")?;
        stop.wait().await;
        running.stop().await
    }

    fn settings(&self, data: PathBuf, logging: Logging) -> Settings {
        Settings {
            place: Place { data, database: None },
            listen: self.listen.clone().unwrap_or_else(usual_or_free),
            metrics_listen: None,
            world: None,
            clock: ClockKind::Real,
            ready_file: self.ready_file.clone(),
            transport: Transport::LocalTls,
            trust_forwarded: false,
            password_grant: true,
            no_migrate: false,
            logging,
            limits: Limits::default(),
            requests_per_minute: None,
        }
    }
}

fn parsed_demo() -> anyhow::Result<World> {
    fullmakt_world::parse(fullmakt_world::demo()).map_err(|mistakes| {
        let text: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the demo world has mistakes: {}", text.join(", "))
    })
}

/// Whether the demo world is yet to be loaded. Another world in its place is refused: its people are not the ones that the
/// demo tells about.
async fn is_new(place: &Place, world: &World) -> anyhow::Result<bool> {
    if !place.data.join("fullmakt.db").exists() {
        return Ok(true);
    }
    let store = open(place).await?;
    store.migrate().await.context("cannot bring the database to this version")?;
    let is_empty = store.is_empty().await?;
    let mut is_demo = true;
    for partner in &world.partners {
        is_demo &= authn::tenant(&store, &partner.id.to_string()).await?.is_some();
    }
    store.close().await;
    if !is_empty && !is_demo {
        bail!("`{}` holds another world than the demo's: run `fullmakt serve` on it", place.data.display());
    }
    Ok(is_empty)
}

/// The usual port, or any free one where that is taken.
fn usual_or_free() -> Listen {
    let usual = default_listen();
    match TcpListener::bind(usual.address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let mut free = usual;
            free.address.set_port(0);
            free
        }
        _ => usual,
    }
}

fn users(world: &World) -> Vec<ReadyUser> {
    let of_partners = world.partners.iter().flat_map(|partner| {
        let tenant = partner.id.to_string();
        partner
            .users
            .iter()
            .map(move |user| ready_user(user, &tenant, user.roles.iter().map(|role| role.name().to_owned()).collect()))
    });
    let of_customers = world.customers.iter().flat_map(|customer| {
        let mut roles: BTreeMap<PrincipalId, Vec<String>> = BTreeMap::new();
        for given in &customer.role_assignments {
            let name =
                role::built_in(&given.role.to_string()).map_or_else(|| given.role.to_string(), |r| r.name.to_owned());
            roles.entry(given.principal).or_default().push(name);
        }
        let tenant = customer.id.to_string();
        customer.users.iter().map(move |user| ready_user(user, &tenant, roles.remove(&user.id).unwrap_or_default()))
    });
    of_partners.chain(of_customers).collect()
}

fn ready_user(user: &User, tenant: &str, roles: Vec<String>) -> ReadyUser {
    ReadyUser { upn: user.upn.clone(), password: user.password.0.clone(), tenant_id: tenant.to_owned(), roles }
}

fn applications(world: &World) -> Vec<ReadyApplication> {
    let ready = |application: &Application, tenant: String| ReadyApplication {
        client_id: application.client_id.to_string(),
        client_secret: application.client_secret.0.clone(),
        tenant_id: tenant,
    };
    let partners = world.partners.iter().flat_map(|p| p.applications.iter().map(move |a| ready(a, p.id.to_string())));
    let customers = world.customers.iter().flat_map(|c| c.applications.iter().map(move |a| ready(a, c.id.to_string())));
    partners.chain(customers).collect()
}

/// What the terminal shows: where, who, and three things to try.
fn greeting(ready: &Ready, world: &World) -> String {
    let mut text = format!(
        "Fullmakt {} answers at {}\nTrust this certificate: {}\n\nWho can sign in:\n",
        ready.version,
        ready.base_url,
        ready.ca_certificate.as_deref().unwrap_or("none needed"),
    );
    for user in ready.users.iter().flatten() {
        text.push_str(&format!("  {:<26} {:<18} {}\n", user.upn, user.password, user.roles.join(", ")));
    }
    let names =
        world.partners.iter().flat_map(|p| &p.applications).chain(world.customers.iter().flat_map(|c| &c.applications));
    text.push_str("Applications (client id, secret):\n");
    for (application, named) in ready.applications.iter().flatten().zip(names) {
        text.push_str(&format!("  {}  {:<22} {}\n", application.client_id, application.client_secret, named.name));
    }
    let (Some(partner), Some(customer)) = (world.partners.first(), world.customers.first()) else {
        return text;
    };
    let subscription = customer.entitlements.iter().flat_map(|bought| &bought.subscriptions).next();
    let (Some(ada), Some(olle), Some(buyer), Some(subscription)) =
        (partner.users.first(), customer.users.first(), customer.applications.first(), subscription)
    else {
        return text;
    };
    let filled = TO_TRY
        .replace("{base}", &ready.base_url)
        .replace("{ca}", ready.ca_certificate.as_deref().unwrap_or(""))
        .replace("{partner}", &partner.id.to_string())
        .replace("{customer}", &customer.id.to_string())
        .replace("{customer_name}", &customer.name)
        .replace("{subscription}", &subscription.id.to_string())
        .replace("{ada}", &ada.upn)
        .replace("{ada_password}", &ada.password.0)
        .replace("{olle}", &olle.upn)
        .replace("{buyer}", &buyer.name)
        .replace("{buyer_client}", &buyer.client_id.to_string())
        .replace("{buyer_secret}", &buyer.client_secret.0);
    text.push_str(&filled);
    text
}

/// Three things to try, in the order in which they make sense.
const TO_TRY: &str = include_str!("../data/to_try.txt");

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> (Ready, World) {
        let world = parsed_demo().unwrap();
        let ready = Ready {
            base_url: "https://127.0.0.1:8443".to_owned(),
            ca_certificate: Some("/data/ca.pem".to_owned()),
            pid: 1,
            version: "0.1.0",
            clock: "real",
            users: Some(users(&world)),
            applications: Some(applications(&world)),
        };
        (ready, world)
    }

    #[test]
    fn the_greeting_leaves_nothing_to_fill_in() {
        let (ready, world) = ready();
        let text = greeting(&ready, &world);
        for unfilled in ["{base}", "{ca}", "{partner}", "{customer", "{ada", "{olle", "{subscription}"] {
            assert!(!text.contains(unfilled), "{unfilled} in\n{text}");
        }
        for user in ready.users.unwrap() {
            assert!(text.contains(&user.upn) && text.contains(&user.password), "{}", user.upn);
        }
        assert!(text.contains("AdminAgent") && text.contains("Owner"), "{text}");
    }

    #[test]
    fn the_users_of_the_ready_file_tell_their_roles() {
        let (ready, _) = ready();
        let users = ready.users.unwrap();
        let olle = users.iter().find(|user| user.upn == "olle@exempel.example").unwrap();
        assert_eq!(olle.roles, ["Owner"]);
        assert_eq!(ready.applications.unwrap().len(), 2);
    }
}
