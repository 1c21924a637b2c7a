//! PostgreSQL by the network.

use std::path::Path;

use levee_index::{IndexError, Store};

use crate::postgres::Server;

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_where_the_url_asks_for_that() {
    let (server, port, certificate) = Server::start_with_tls();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let other = server.write("other.crt", &other);
    let url = |mode: &str, certificate: &Path| {
        format!(
            "postgres://postgres@localhost:{port}/postgres?sslmode={mode}&sslrootcert={}",
            certificate.display()
        )
    };
    let store = Store::open(&url("verify-full", &certificate)).await.expect("its certificate is known");
    assert_eq!(store.chains().await.unwrap(), Vec::<u64>::new());
    store.close().await;
    let foreign = Store::open(&url("verify-full", &other)).await.map(drop).unwrap_err();
    assert!(matches!(foreign, IndexError::StoreUnusable { .. }), "{foreign}");
    assert!(foreign.to_string().contains("certificate"), "{foreign}");
    let plain = Store::open(&url("disable", &certificate)).await.map(drop).unwrap_err();
    assert!(plain.to_string().contains("no encryption"), "{plain}");
}
