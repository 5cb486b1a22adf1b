//! A database per test, and a look into it past the door.

use sqlx::{ConnectOptions, Connection, Executor};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// One file.
    Sqlite,
    /// A database in the cluster of `FULLMAKT_TEST_POSTGRES`.
    Postgres,
    /// A database in the cluster of `FULLMAKT_TEST_POSTGRES_DURABLE`, whose commits reach the disk.
    DurablePostgres,
}

impl Database {
    /// What this run of the tests is about: PostgreSQL when `FULLMAKT_TEST_POSTGRES` names a cluster, else SQLite.
    pub fn under_test() -> Self {
        if std::env::var_os("FULLMAKT_TEST_POSTGRES").is_some() { Self::Postgres } else { Self::Sqlite }
    }

    /// The same, where commits must survive a crash. SQLite's always do.
    pub fn durable_under_test() -> Self {
        if std::env::var_os("FULLMAKT_TEST_POSTGRES_DURABLE").is_some() { Self::DurablePostgres } else { Self::Sqlite }
    }
}

/// An empty database that is the test's own. Files go with the last handle, PostgreSQL databases with their cluster.
#[derive(Clone)]
pub struct TestDatabase {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Sqlite { file: PathBuf, _folder: Arc<tempfile::TempDir> },
    Postgres { url: String },
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When the cluster is not there; `cargo xtask test` starts it.
    pub async fn create(database: Database) -> Self {
        let cluster = match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().expect("the temporary folder can be written");
                let file = folder.path().join("fullmakt.db");
                return Self { place: Place::Sqlite { file, _folder: Arc::new(folder) } };
            }
            Database::Postgres => "FULLMAKT_TEST_POSTGRES",
            Database::DurablePostgres => "FULLMAKT_TEST_POSTGRES_DURABLE",
        };
        let cluster = std::env::var(cluster).unwrap_or_else(|_| panic!("`{cluster}` names no cluster"));
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut connection = postgres(&cluster).connect().await.expect("the cluster answers");
        // The name is ours: letters and digits.
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        connection.execute(create).await.expect("the cluster's owner may create databases");
        connection.close().await.expect("the cluster answers");
        let (server, _) = cluster.rsplit_once('/').expect("a PostgreSQL address ends with a database");
        Self { place: Place::Postgres { url: format!("{server}/{name}") } }
    }

    /// The address, for `--database`.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite { file, .. } => format!("sqlite:{}", file.display()),
            Place::Postgres { url } => url.clone(),
        }
    }

    /// Does to the data what nobody should: damages it, for tests of what then happens.
    ///
    /// # Panics
    /// When the statement does not fit the schema.
    pub async fn damage(&self, statement: &'static str) {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = options.connect().await.expect("the file opens");
                connection.execute(statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
            }
            Place::Postgres { url } => {
                let mut connection = postgres(url).connect().await.expect("the cluster answers");
                connection.execute(statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
            }
        }
    }

    /// The one number that a query on both databases gives.
    ///
    /// # Panics
    /// When the query does not fit the schema.
    pub async fn number(&self, query: &'static str) -> i64 {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = options.connect().await.expect("the file opens");
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap_or_else(|e| panic!("{query}: {e}"))
            }
            Place::Postgres { url } => {
                let mut connection = postgres(url).connect().await.expect("the cluster answers");
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap_or_else(|e| panic!("{query}: {e}"))
            }
        }
    }
}

fn postgres(url: &str) -> sqlx::postgres::PgConnectOptions {
    sqlx::postgres::PgConnectOptions::from_str(url).expect("the address of the cluster is well formed")
}

/// Commits rows one by one into a bare SQLite file for that long, as safely as the store does; tells how many.
///
/// # Panics
/// When the file cannot be written.
pub async fn insert_single_rows(file: &std::path::Path, time: std::time::Duration) -> u64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let options = options.synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = options.connect().await.expect("the file opens");
    connection
        .execute("CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        .await
        .expect("the file is empty");
    let begun = std::time::Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        let insert =
            sqlx::query("INSERT INTO line (text) VALUES ($1)").bind("one row of a purchase's size, more or less");
        insert.execute(&mut connection).await.expect("a row fits");
        count += 1;
    }
    count
}

/// How much a large world holds.
#[derive(Debug, Clone, Copy)]
pub struct Large {
    /// Customers of one partner, each with an Azure plan, a subscription and an Owner.
    pub customers: u32,
    /// Records of the activity log, spread over the customers and the year before.
    pub records: u32,
}

/// Begins a statement: the numbers from 0 to `$1`, and words that names are made of.
const NUMBERED: &str = "WITH RECURSIVE
    n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1),
    w (k, word) AS (VALUES (0, 'Norr'), (1, 'Sjö'), (2, 'Fjäll'), (3, 'Skog'), (4, 'Berg'), (5, 'Å'), (6, 'Malm'),
        (7, 'Sten'), (8, 'Ek'), (9, 'Lind')),
    v (k, word) AS (VALUES (0, 'bygg'), (1, 'data'), (2, 'frakt'), (3, 'el'), (4, 'papper'), (5, 'verken'), (6, 'konsult'),
        (7, 'bageri'), (8, 'teknik'), (9, 'handel')),
    c (i, customer, name, domain) AS (
        SELECT n.i, printf('88888888-0000-4000-8000-%012x', n.i), w.word || v.word || ' ' || n.i || ' AB',
               'kund' || n.i || '.example'
        FROM n JOIN w ON w.k = n.i % 10 JOIN v ON v.k = n.i / 10 % 10)\n";

/// What is put in, in this order. `$2` is the partner, `$3` a customer whose rows are the pattern, `$4` now.
const LARGE: [&str; 9] = [
    "INSERT INTO tenant (tenant_id, kind, name, domain) SELECT customer, 'customer', name, domain FROM c",
    "INSERT INTO customer (customer_id, country, language, created_at, commerce_id, revision)
     SELECT customer, 'SE', 'sv', $4, customer, 0 FROM c",
    "INSERT INTO relationship (customer_id, partner_id, since, agreement_confirmed_at, name_key, domain)
     SELECT customer, $2, $4, $4, lower(name), domain FROM c",
    "INSERT INTO principal (principal_id, tenant_id, kind, upn, name, created_at)
     SELECT printf('88888888-0000-4000-8002-%012x', i), customer, 'user', 'owner@' || domain, 'Owner', $4 FROM c",
    "INSERT INTO entitlement (customer_id, entitlement_id, partner_id, offer, name, status, registered, order_id, created_at)
     SELECT c.customer, printf('88888888-0000-4000-8003-%012x', c.i), $2, e.offer, e.name, e.status, e.registered,
            printf('order-%012x', c.i), $4
     FROM c JOIN entitlement e ON e.customer_id = $3",
    "INSERT INTO subscription (customer_id, subscription_id, entitlement_id, partner_id, name, status, created_at)
     SELECT customer, printf('88888888-0000-4000-8001-%012x', i), printf('88888888-0000-4000-8003-%012x', i), $2,
            'Drift', 'active', $4 FROM c",
    "INSERT INTO role_assignment (customer_id, role_assignment_id, principal_id, principal_type, role_definition_id, scope,
                                  scope_key, created_at, created_by)
     SELECT c.customer, printf('88888888-0000-4000-8004-%012x', c.i), printf('88888888-0000-4000-8002-%012x', c.i), 'User',
            r.role_definition_id, '/subscriptions/' || printf('88888888-0000-4000-8001-%012x', c.i),
            '/subscriptions/' || printf('88888888-0000-4000-8001-%012x', c.i), $4, r.created_by
     FROM c JOIN (SELECT role_definition_id, created_by FROM role_assignment WHERE customer_id = $3
                  ORDER BY role_definition_id LIMIT 1) r",
    "INSERT INTO self_serve_policy (customer_id, partner_id, reservations, savings_plans, etag, granted_at, granted_by)
     SELECT c.customer, $2, 1, 0, p.etag, p.granted_at, p.granted_by
     FROM c JOIN self_serve_policy p ON p.customer_id = $3 WHERE c.i % 3 = 0",
    "UPDATE customer SET revision = $5 / $1 WHERE customer_id IN (SELECT customer FROM c)",
];

/// The log: `$4` records, copies of the first two of the pattern `$2`, every customer's numbered from 1, up to `$3`.
const RECORDS: &str = "WITH RECURSIVE m (j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM m WHERE j + 1 < $4)
    INSERT INTO activity_record (root_id, sequence, at, partner_id, customer_id, operation, outcome, actor_id, actor_name,
        application_id, correlation_id, subject, old_value, new_value, details, message)
    SELECT printf('88888888-0000-4000-8000-%012x', m.j % $1), m.j / $1 + 1,
        $3 - (31536000000000 / $4) * ($4 - m.j), r.partner_id, printf('88888888-0000-4000-8000-%012x', m.j % $1),
        r.operation, r.outcome, r.actor_id, r.actor_name, r.application_id, r.correlation_id, r.subject, r.old_value,
        r.new_value, r.details, r.message
    FROM m JOIN activity_record r ON r.root_id = $2 AND r.sequence = 1 + m.j % 2";

impl TestDatabase {
    /// Makes the world large, past the door. The server must be stopped; its world must hold the partner, and a customer
    /// with an Azure plan and two records, which all others are like.
    ///
    /// # Panics
    /// When it is no SQLite file, or its schema another.
    pub async fn enlarge(&self, large: Large, partner: &str, pattern: &str, now_us: i64) {
        let Place::Sqlite { file, .. } = &self.place else { panic!("only files are made large") };
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = options.connect().await.expect("the file opens");
        let mut change = connection.begin().await.expect("nobody else writes");
        for statement in LARGE {
            let text = format!("{NUMBERED}{statement}");
            // The text is made of constants.
            let insert = sqlx::query(sqlx::AssertSqlSafe(text.as_str())).bind(large.customers).bind(partner);
            let insert = insert.bind(pattern).bind(now_us).bind(large.records);
            insert.execute(&mut *change).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let insert = sqlx::query(RECORDS).bind(large.customers).bind(pattern).bind(now_us).bind(large.records);
        insert.execute(&mut *change).await.unwrap_or_else(|error| panic!("the log: {error}"));
        change.commit().await.expect("the disk is large enough");
        connection.close().await.expect("the file closes");
    }
}
