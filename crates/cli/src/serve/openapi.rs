//! Makes the description of the interface from the types of its answers. OpenAPI 3.1 takes schemas as schemars writes them, so nothing else is
//! needed, and the binary has only the text.

use std::{fs, path::Path};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize as _;
use serde_json::{Map, Serializer, Value, json, ser::PrettyFormatter};

use super::{api, problem::ProblemJson};
use crate::page::RescueJson;

/// What can be asked for.
struct Operation {
    path: &'static str,
    summary: &'static str,
    content: &'static str,
    schema: Value,
    /// Whether it is a page of a list.
    is_paged: bool,
}

fn json_of<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    path: &'static str,
    summary: &'static str,
) -> Operation {
    let schema = generator.subschema_for::<T>().to_value();
    // The state of a rescue is the only answer that is no list.
    let is_paged = path != "/rescue/{rescue}";
    Operation { path, summary, content: "application/json", schema, is_paged }
}

fn operations(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let statement_csv = Operation {
        path: "/rescue/{rescue}/contributor/{account}/statement.csv",
        summary: "The same with a line for each movement, a thousand on a page, as `levee statement --for --csv` writes it",
        content: "text/csv",
        schema: json!({ "type": "string" }),
        is_paged: true,
    };
    vec![
        json_of::<api::Rescues>(
            generator,
            "/rescues",
            "All that announced themselves as rescues, the latest first, and counterfeits last, a hundred on a page",
        ),
        json_of::<RescueJson<'_>>(
            generator,
            "/rescue/{rescue}",
            "A rescue, as `levee status` tells it; shares of stETH have no value before it is decided, since no log says it",
        ),
        json_of::<api::PledgersPage<'_>>(
            generator,
            "/rescue/{rescue}/pledgers",
            "Who has something in a rescue, the largest first, a hundred on a page, as `levee pledgers` tells it",
        ),
        json_of::<api::DeclarationsPage<'_>>(
            generator,
            "/rescue/{rescue}/declarations",
            "What was declared and stands, by contributor and tier, a hundred on a page, as `levee declarations` tells it",
        ),
        json_of::<api::StatementPage<'_>>(
            generator,
            "/rescue/{rescue}/contributor/{account}/statement",
            "The statement of an account, a hundred movements on a page, as `levee statement --for` tells it",
        ),
        statement_csv,
    ]
}

impl Operation {
    fn document(&self, problem: &Value) -> Value {
        let address = |name: &str| {
            let schema = json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        };
        let named =
            ["rescue", "account"].into_iter().filter(|name| self.path.contains(&format!("{{{name}}}")));
        let mut parameters: Vec<_> = named.map(address).collect();
        if self.is_paged {
            let schema = json!({ "type": "integer", "minimum": 1, "default": 1 });
            parameters.push(json!({ "name": "page", "in": "query", "schema": schema }));
        }
        let refused = json!({ "application/problem+json": { "schema": problem } });
        json!({ "get": {
            "summary": self.summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": "As asked", "headers": headers(), "content": { self.content: { "schema": self.schema } } },
                "304": { "description": "As before: the tag in `If-None-Match` is still that of the content" },
                "default": { "description": "Why it cannot be told", "content": refused },
            },
        } })
    }
}

/// The headers that name the block of an answer.
fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "Levee-Block": header("The block that the answer is true at", json!({ "type": "integer", "minimum": 0 })),
        "Levee-Block-Hash": header("Its hash", json!({ "type": "string", "pattern": "^0x[0-9a-f]{64}$" })),
        "Levee-Block-Time": header("Its time, in Unix seconds", json!({ "type": "integer", "minimum": 0 })),
    })
}

fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemJson>().to_value();
    let operations = operations(&mut generator);
    let paths: Map<String, Value> =
        operations.iter().map(|one| (one.path.to_owned(), one.document(&problem))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Levee",
            "version": "1",
            "description": "Rescues as an index has them. Every answer names its block. Amounts are exact, as strings.",
        },
        "servers": [{ "url": "/api/v1" }],
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

/// A line for each value, so that changes can be read, and little else, because the binary has the text.
fn written(document: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b""));
    document.serialize(&mut serializer).unwrap();
    format!("{}\n", String::from_utf8(text).unwrap())
}

/// Written by `make docs`, which sets the variable.
#[test]
fn the_schemas_of_the_interface_are_those_of_its_types() {
    let text = written(&document());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let found = || fs::read_to_string(&path).unwrap_or_default();
    // The binary is made of it, and would be built again.
    if std::env::var_os("LEVEE_WRITE_DOCS").is_some() && found() != text {
        fs::write(&path, &text).unwrap();
    }
    let written = found();
    assert!(written == text, "{} is not made of these types: run `make docs`", path.display());
}
