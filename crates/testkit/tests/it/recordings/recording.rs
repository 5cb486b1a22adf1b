//! Reads the recordings.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use yaml_rust2::{Yaml, YamlLoader};

/// Where the original answers.
pub const ORIGINAL: &str = "https://management.azure.com";

/// One session.
pub struct Recording {
    /// The file's name, without its ending.
    pub name: String,
    /// Requests and answers, in order.
    pub exchanges: Vec<Exchange>,
}

/// One request and its answer.
pub struct Exchange {
    /// The verb.
    pub method: Method,
    /// The path with its query, as it was sent.
    pub path: String,
    /// Header fields of the request that are not about the connection.
    pub asked_with: Vec<(String, String)>,
    /// What was sent.
    pub body: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The answer's header fields, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The answer; null when it was empty.
    pub answer: Value,
}

impl Exchange {
    /// A header field of the answer; empty when it has none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The last word of the path that is no identifier.
    pub fn operation(&self) -> String {
        let path = self.path.split('?').next().unwrap();
        path.rsplit('/').find(|word| uuid::Uuid::try_parse(word).is_err()).unwrap().to_owned()
    }

    /// When it was answered.
    pub fn at(&self) -> Timestamp {
        jiff::fmt::rfc2822::parse(self.header("date")).unwrap().timestamp()
    }

    /// The items of a list.
    pub fn items(&self) -> &[Value] {
        self.answer["value"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// All of them by name, or none when the folder is not there.
pub fn all() -> Option<Vec<Recording>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("../../../shared/data/azure-cli-recordings/reservation");
    let mut files: Vec<PathBuf> = folder.read_dir().ok()?.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let recordings = files.iter().map(|file| Recording {
        name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
        exchanges: exchanges(&std::fs::read_to_string(file).unwrap()),
    });
    Some(recordings.collect())
}

fn exchanges(text: &str) -> Vec<Exchange> {
    let documents = YamlLoader::load_from_str(text).unwrap();
    documents[0]["interactions"].as_vec().unwrap().iter().map(exchange).collect()
}

fn exchange(item: &Yaml) -> Exchange {
    let (request, response) = (&item["request"], &item["response"]);
    let about_the_connection = ["accept-encoding", "connection", "content-length"];
    let answer = response["body"]["string"].as_str().unwrap();
    Exchange {
        method: request["method"].as_str().unwrap().parse().unwrap(),
        path: request["uri"].as_str().unwrap().strip_prefix(ORIGINAL).unwrap().to_owned(),
        asked_with: fields(&request["headers"])
            .filter(|(name, _)| !about_the_connection.contains(&name.as_str()))
            .collect(),
        body: request["body"].as_str().map(str::to_owned),
        status: response["status"]["code"].as_i64().unwrap().try_into().unwrap(),
        headers: fields(&response["headers"]).collect(),
        answer: if answer.is_empty() { Value::Null } else { serde_json::from_str(answer).unwrap() },
    }
}

fn fields(headers: &Yaml) -> impl Iterator<Item = (String, String)> {
    let fields = headers.as_hash().unwrap().iter();
    fields.map(|(name, values)| (name.as_str().unwrap().to_lowercase(), values[0].as_str().unwrap().to_owned()))
}
