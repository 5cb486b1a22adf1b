use proptest::prelude::*;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), OsString::from(value))).collect()
}

fn resolve(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(DEFAULT_FILE), file).unwrap();
    let flags = flags.iter().map(|(key, value)| (*key, Some((*value).to_owned()))).collect();
    Settings::resolve(&Sources::read(flags, environment(env), folder.path())?)
}

fn mistakes(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> String {
    resolve(flags, env, file).unwrap_err().to_string()
}

#[test]
fn the_command_line_goes_before_the_environment_before_the_file() {
    let file = "data = \"from-file\"\nlisten = \"127.0.0.1:3\"\nbody_limit = 4096\npassword-grant = true\n";
    let env = [("FULLMAKT_LISTEN", "127.0.0.1:2"), ("FULLMAKT_DATA", "from-environment")];
    let found = resolve(&[("listen", "127.0.0.1:1")], &env, file).unwrap();
    assert_eq!(found.listen.address.port(), 1);
    assert_eq!(found.place.data, PathBuf::from("from-environment"));
    assert_eq!(found.limits.body_bytes, 4096);
    assert!(found.password_grant);
    let env = [("FULLMAKT_PASSWORD_GRANT", "false"), ("FULLMAKT_DATA", "")];
    let found = resolve(&[], &env, file).unwrap();
    assert!(!found.password_grant);
    assert_eq!(found.place.data, PathBuf::from("from-file"), "an empty variable counts as absent");
}

#[test]
fn what_is_not_given_has_its_default() {
    let found = resolve(&[("data", "x")], &[], "").unwrap();
    assert_eq!(found.listen, default_listen());
    assert_eq!((found.clock, &found.transport), (ClockKind::Real, &Transport::LocalTls));
    assert_eq!(
        found.limits,
        Limits { request_timeout: Duration::from_secs(30), body_bytes: 1_048_576, concurrent: 1_024 }
    );
    assert!(!found.password_grant && found.metrics_listen.is_none());
}

#[test]
fn a_mistake_names_where_it_stands() {
    for (env, file, expected) in [
        (&[("FULLMAKT_LISTEN", "nowhere")][..], "", "FULLMAKT_LISTEN: `nowhere` is not an address"),
        (&[("FULLMAKT_HTTP", "perhaps")], "", "FULLMAKT_HTTP: `perhaps` is neither `true` nor `false`"),
        (&[("FULLMAKT_DATABASE", "mysql://u:hemligt@h/d")], "", "FULLMAKT_DATABASE: is not an address such as"),
        (&[("FULLMAKT_CLOCK", "broken")], "", "FULLMAKT_CLOCK: `broken` is neither `real` nor `movable`"),
        (&[("FULLMAKT_LOG", "a=b=c")], "", "FULLMAKT_LOG: `a=b=c` is not a level"),
        (&[("FULLMAKT_LOG_FORMAT", "xml")], "", "FULLMAKT_LOG_FORMAT: `xml` is not `auto`, `human` or `json`"),
        (&[("FULLMAKT_BODY_LIMIT", "99999999999999999999MiB")], "", "FULLMAKT_BODY_LIMIT: `99999999999999999999MiB`"),
        (&[], "\nrequest_timeout = 0", "fullmakt.toml:2: request_timeout: `0` is not a whole number of seconds"),
        (&[], "lisen = \"x\"", "fullmakt.toml:1: lisen: unknown key; did you mean `listen`?"),
        (&[], "listen = [1]", "fullmakt.toml:1: listen: must be a text, a whole number, `true` or `false`"),
        (&[], "listen = ", "fullmakt.toml:1: not TOML: "),
        (&[], "tls_cert = \"a\"", "fullmakt.toml:1: tls_cert: needs its private key"),
        (&[], "tls_cert = \"a\"\nhttp = true", "fullmakt.toml:1: tls_cert: goes with TLS"),
    ] {
        let found = mistakes(&[("data", "x")], env, file);
        assert!(found.contains(expected), "{found}\nexpected {expected}");
        assert!(!found.contains("hemligt"), "{found}");
    }
    let both = mistakes(&[], &[("FULLMAKT_LISTEN", "x"), ("FULLMAKT_CLOCK", "y")], "");
    assert_eq!(both.lines().count(), 3, "all at once: {both}");
}

#[test]
fn only_a_wrong_word_of_the_command_is_a_usage_mistake() {
    assert!(resolve(&[("listen", "x"), ("data", "x")], &[], "").unwrap_err().is_usage);
    assert!(!resolve(&[("data", "x")], &[("FULLMAKT_LISTEN", "x")], "").unwrap_err().is_usage);
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    let found = mistakes(&[("config", "/nowhere/at/all.toml")], &[], "");
    assert!(found.starts_with("cannot read the configuration `/nowhere/at/all.toml`"), "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn arbitrary_configuration_never_panics(
        key in proptest::sample::select(KEYS.to_vec()),
        value in "[ -~\\n]{0,12}|[0-9]{0,24}(KiB|MiB)?|\\[?[0-9a-f:.]{0,12}\\]?:[0-9]{0,6}",
    ) {
        let environment = environment(&[("FULLMAKT_DATA", "x"), (&variable(key), &value)]);
        // A host name would be looked up.
        if !(key.ends_with("listen") && value.contains(|c: char| c.is_ascii_alphabetic())) {
            let _ = Settings::resolve(&Sources { flags: vec![], environment, file: BTreeMap::new() });
        }
        let _ = read_file("fullmakt.toml", &format!("{key} = {value}"));
        let _ = read_file("fullmakt.toml", &value);
    }
}
