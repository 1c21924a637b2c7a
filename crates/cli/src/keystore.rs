//! Encrypted JSON keystores, by whichever program wrote them: geth, Foundry, eth-keyfile, web3j, ethers, MyEtherWallet.
//!
//! The format is version 3 of the Web3 Secret Storage Definition
//! (<https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/>). Some writers treat the
//! initialization vector and the key as numbers, and drop or add leading zeros; so both are read as numbers here. Anything else
//! that differs is refused by name, and no file takes more than a bounded time and memory. A password is used as it is given:
//! ethers normalizes it first, which makes a difference for some characters beyond ASCII.

use aes::{
    Aes128,
    cipher::{KeyIvInit, StreamCipher},
};
use alloy::{
    hex,
    primitives::{Address, B256, keccak256},
    signers::local::PrivateKeySigner,
};
use ctr::Ctr128BE;
use serde::Deserialize;
use sha2::Sha256;

/// The most memory that scrypt may take, in bytes. The strongest usual parameters take a quarter of it.
const MAX_MEMORY: u128 = 1 << 30;
/// The bytes of a block, of which scrypt takes r (n + p + 1).
const BLOCK: u128 = 128;
/// The most blocks that scrypt may mix: 16 times as many as with the strongest usual parameters.
const MAX_MIXES: u128 = 1 << 25;
/// The most rounds that PBKDF2 may take: 38 times as many as usual.
const MAX_ROUNDS: u32 = 10_000_000;
/// Half of the derived key encrypts, half of it authenticates.
const DERIVED: usize = 32;

/// Why a keystore does not open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// The authentication code differs: the password is wrong, or the file was changed.
    WrongPassword,
    /// The file is no keystore, or of a kind that is not supported.
    BadFile(String),
}

/// Opens the keystore that `text` holds.
pub(crate) fn open(text: &str, password: &str) -> Result<PrivateKeySigner, Locked> {
    // The parser's own message may quote what it found, which may be a key or a password.
    let keystore: Keystore = serde_json::from_str(text).map_err(|error| {
        bad(format!("it is no keystore, see line {}, column {}", error.line(), error.column()))
    })?;
    let Keystore { version, crypto, address } = keystore;
    require(version == 3, || format!("its version is {version}, not 3"))?;
    let secret = crypto.decrypt(password)?;
    let signer =
        PrivateKeySigner::from_bytes(&secret).map_err(|_| bad("its key is not that of an account"))?;
    let named = address.unwrap_or_default();
    let is_its_own = named.is_empty() || named.parse() == Ok(signer.address());
    require(is_its_own, || {
        format!("it names the account `{named}`, but its key is that of `{}`", signer.address())
    })?;
    Ok(signer)
}

/// The account that a keystore names; none if it names none. Whether it is its own is only known when it is open.
pub(crate) fn named(text: &str) -> Option<Address> {
    let keystore: Keystore = serde_json::from_str(text).ok()?;
    keystore.address?.parse().ok()
}

#[derive(Deserialize)]
struct Keystore {
    version: u64,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
    /// Left out or empty in the files of some writers.
    address: Option<String>,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    #[serde(with = "hex")]
    ciphertext: Vec<u8>,
    kdf: String,
    kdfparams: KdfParams,
    mac: B256,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

/// The parameters of scrypt, or those of PBKDF2.
#[derive(Deserialize)]
struct KdfParams {
    dklen: usize,
    #[serde(with = "hex")]
    salt: Vec<u8>,
    #[serde(flatten)]
    scrypt: Option<Scrypt>,
    #[serde(flatten)]
    pbkdf2: Option<Pbkdf2>,
}

#[derive(Clone, Copy, Deserialize)]
struct Scrypt {
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Pbkdf2 {
    c: u32,
    prf: String,
}

impl Crypto {
    fn decrypt(&self, password: &str) -> Result<B256, Locked> {
        let Self { cipher, cipherparams, ciphertext, kdf, kdfparams, mac } = self;
        require(cipher == "aes-128-ctr", || {
            format!("its cipher is `{cipher}`, and only aes-128-ctr is supported")
        })?;
        let derived = kdfparams.derive(kdf, password.as_bytes())?;
        let (key, authenticator) = derived.split_at(DERIVED / 2);
        if keccak256([authenticator, ciphertext].concat()) != *mac {
            return Err(Locked::WrongPassword);
        }
        let iv: [u8; 16] = padded("its iv", &cipherparams.iv()?)?;
        let mut secret = ciphertext.clone();
        Ctr128BE::<Aes128>::new_from_slices(key, &iv).map_err(bad)?.apply_keystream(&mut secret);
        padded("its key", &secret).map(B256::new)
    }
}

impl CipherParams {
    fn iv(&self) -> Result<Vec<u8>, Locked> {
        let digits = self.iv.strip_prefix("0x").unwrap_or(&self.iv);
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        require(is_hex, || "its iv is not hexadecimal".to_owned())?;
        let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        hex::decode(even).map_err(bad)
    }
}

impl KdfParams {
    /// The first 32 bytes, which are the same however many are asked for.
    fn derive(&self, kdf: &str, password: &[u8]) -> Result<[u8; DERIVED], Locked> {
        let Self { dklen, salt, .. } = self;
        require(*dklen >= DERIVED, || format!("its dklen is {dklen}, below {DERIVED}"))?;
        let mut derived = [0; DERIVED];
        match (kdf, self.scrypt, &self.pbkdf2) {
            ("scrypt", Some(parameters), _) => {
                scrypt::scrypt(password, salt, &parameters.checked()?, &mut derived).map_err(bad)?;
            }
            ("pbkdf2", _, Some(parameters)) => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, parameters.checked_rounds()?, &mut derived);
            }
            ("scrypt" | "pbkdf2", ..) => return Err(bad(format!("it lacks parameters of {kdf}"))),
            _ => return Err(bad(format!("its kdf is `{kdf}`, and only scrypt and pbkdf2 are supported"))),
        }
        Ok(derived)
    }
}

impl Scrypt {
    fn checked(self) -> Result<scrypt::Params, Locked> {
        let Self { n, r, p } = self;
        let unsupported = || bad(format!("its scrypt parameters n {n}, r {r} and p {p} are not supported"));
        let [n_wide, r_wide, p_wide]: [u128; 3] = [n.into(), r.into(), p.into()];
        // Three factors of at most 64, 32 and 32 bits fit in 128 bits, and so does the sum.
        let mixes = n_wide * r_wide * p_wide;
        let blocks = (n_wide + p_wide + 1) * r_wide;
        if !n.is_power_of_two() || n == 1 || mixes > MAX_MIXES || blocks > MAX_MEMORY / BLOCK {
            return Err(unsupported());
        }
        // A power of two is two to the number of its zeros, of which 64 bits have at most 63.
        scrypt::Params::new(n.trailing_zeros() as u8, r, p).map_err(|_| unsupported())
    }
}

impl Pbkdf2 {
    fn checked_rounds(&self) -> Result<u32, Locked> {
        let Self { c, prf } = self;
        require(prf == "hmac-sha256", || format!("its prf is `{prf}`, and only hmac-sha256 is supported"))?;
        let is_bounded = (1..=MAX_ROUNDS).contains(c);
        require(is_bounded, || format!("its c is {c}, not within 1 and {MAX_ROUNDS}"))?;
        Ok(*c)
    }
}

/// The number that these bytes are, in `N` bytes.
fn padded<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], Locked> {
    let number = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut padded = [0; N];
    let start = N.checked_sub(number.len()).ok_or_else(|| bad(format!("{what} has more than {N} bytes")))?;
    padded[start..].copy_from_slice(number);
    Ok(padded)
}

fn require(condition: bool, reason: impl FnOnce() -> String) -> Result<(), Locked> {
    if condition { Ok(()) } else { Err(bad(reason())) }
}

fn bad(reason: impl ToString) -> Locked {
    Locked::BadFile(reason.to_string())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::address;
    use proptest::{prelude::*, sample::Index};
    use serde_json::{Value, json};

    use super::*;

    /// Of the definition's test vectors.
    const PUBLISHED: Address = address!("008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
    /// Anvil's second account.
    const DEV_1: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
    const DEV_1_KEY: [u8; 32] = hex!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

    fn opened(keystore: &Value, password: &str) -> Result<Address, Locked> {
        open(&keystore.to_string(), password).map(|signer| signer.address())
    }

    fn refused(keystore: &Value) -> String {
        match opened(keystore, "pw") {
            Err(Locked::BadFile(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// The keystore of a key, written with parameters that take no time.
    fn written(key: &[u8], iv: [u8; 16]) -> Value {
        let parameters = scrypt::Params::new(1, 1, 1).unwrap();
        let mut derived = [0; DERIVED];
        scrypt::scrypt(b"pw", &[7; 32], &parameters, &mut derived).unwrap();
        let mut ciphertext = key.to_vec();
        Ctr128BE::<Aes128>::new_from_slices(&derived[..16], &iv).unwrap().apply_keystream(&mut ciphertext);
        let mac = keccak256([&derived[16..], &ciphertext].concat());
        json!({
            "version": 3,
            "address": hex::encode(DEV_1),
            "crypto": {
                "cipher": "aes-128-ctr", "cipherparams": { "iv": hex::encode(iv) },
                "ciphertext": hex::encode(ciphertext),
                "kdf": "scrypt", "kdfparams": { "dklen": 32, "n": 2, "r": 1, "p": 1, "salt": hex::encode([7; 32]) },
                "mac": hex::encode(mac),
            },
        })
    }

    fn light() -> Value {
        written(&DEV_1_KEY, [9; 16])
    }

    #[test]
    fn the_published_keystores_open() {
        let pbkdf2 = json!({ "crypto": {
            "cipher": "aes-128-ctr", "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2", "kdfparams": { "c": 262144, "dklen": 32, "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd" },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        }, "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3 });
        let scrypt = json!({ "crypto": {
            "cipher": "aes-128-ctr", "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt", "kdfparams": { "dklen": 32, "n": 262144, "p": 8, "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19" },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        }, "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3 });
        for keystore in [pbkdf2, scrypt] {
            assert_eq!(opened(&keystore, "testpassword"), Ok(PUBLISHED));
            assert_eq!(opened(&keystore, "Testpassword"), Err(Locked::WrongPassword));
        }
    }

    #[test]
    fn what_writers_do_differently_is_read() {
        let file = include_str!("../../../tests/keystores/iv-15-bytes.json");
        assert_eq!(open(file, "pw").map(|signer| signer.address()), Ok(DEV_1));
        // MyEtherWallet's capital, and files that do not name the account.
        let mut capital = light();
        capital["Crypto"] = capital["crypto"].take();
        capital.as_object_mut().unwrap().remove("crypto");
        capital.as_object_mut().unwrap().remove("address");
        assert_eq!(opened(&capital, "pw"), Ok(DEV_1));
        let mut empty = light();
        empty["address"] = json!("");
        assert_eq!(opened(&empty, "pw"), Ok(DEV_1));
        // A key with a zero too many, and one without its leading zero.
        assert_eq!(opened(&written(&[&[0], &DEV_1_KEY[..]].concat(), [9; 16]), "pw"), Ok(DEV_1));
        let (mut short, mut whole) =
            (written(&[5; 31], [9; 16]), written(&[&[0], &[5; 31][..]].concat(), [9; 16]));
        for keystore in [&mut short, &mut whole] {
            keystore["address"] = Value::Null;
        }
        assert_eq!(opened(&short, "pw"), opened(&whole, "pw"));
        assert!(opened(&whole, "pw").is_ok());
        // Zeros of the vector that its writer dropped, down to half a byte.
        let mut iv = [0; 16];
        iv[15] = 3;
        let mut dropped = written(&DEV_1_KEY, iv);
        dropped["crypto"]["cipherparams"]["iv"] = json!("3");
        assert_eq!(opened(&dropped, "pw"), Ok(DEV_1));
        // A longer derived key begins like a shorter one.
        let mut longer = light();
        longer["crypto"]["kdfparams"]["dklen"] = json!(64);
        assert_eq!(opened(&longer, "pw"), Ok(DEV_1));
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let cbc = include_str!("../../../tests/keystores/cbc.json").parse().unwrap();
        assert_eq!(refused(&cbc), "its cipher is `aes-128-cbc`, and only aes-128-ctr is supported");
        let other: Value = include_str!("../../../tests/keystores/other-address.json").parse().unwrap();
        assert_eq!(
            refused(&other),
            format!(
                "it names the account `f39fd6e51aad88f6f4ce6ab8827279cfffb92266`, but its key is that of `{DEV_1}`"
            )
        );
        let too_many = "are not supported";
        let cases = [
            ("/version", json!(1), "its version is 1, not 3"),
            ("/address", json!("0x12"), "it names the account `0x12`"),
            ("/crypto/kdf", json!("argon2"), "its kdf is `argon2`, and only scrypt and pbkdf2 are supported"),
            ("/crypto/kdf", json!("pbkdf2"), "it lacks parameters of pbkdf2"),
            ("/crypto/kdfparams/salt", json!("0x0x00"), "it is no keystore, see line 1"),
            ("/crypto/cipherparams/iv", json!("09".repeat(17)), "its iv has more than 16 bytes"),
            ("/crypto/cipherparams/iv", json!("xy"), "its iv is not hexadecimal"),
            ("/crypto/cipherparams/iv", json!("0x0x12"), "its iv is not hexadecimal"),
            ("/crypto/cipherparams/iv", json!("x12"), "its iv is not hexadecimal"),
            ("/crypto/kdfparams/dklen", json!(31), "its dklen is 31, below 32"),
            ("/crypto/kdfparams/n", json!(0), too_many),
            ("/crypto/kdfparams/n", json!(1), too_many),
            ("/crypto/kdfparams/n", json!(3), too_many),
            ("/crypto/kdfparams/n", json!(1u64 << 26), too_many),
            ("/crypto/kdfparams/n", json!(1u64 << 63), too_many),
            ("/crypto/kdfparams/r", json!(0), too_many),
            ("/crypto/kdfparams/r", json!(u32::MAX), too_many),
            ("/crypto/kdfparams/p", json!(0), too_many),
            ("/crypto/kdfparams/p", json!(u32::MAX), too_many),
        ];
        for (pointer, value, expected) in cases {
            let mut keystore = light();
            *keystore.pointer_mut(pointer).unwrap() = value;
            let reason = refused(&keystore);
            assert!(reason.contains(expected), "{pointer}: {reason}");
        }
        let long = written(&[&[1], &DEV_1_KEY[..]].concat(), [9; 16]);
        assert_eq!(refused(&long), "its key has more than 32 bytes");
        assert_eq!(refused(&written(&[0; 32], [9; 16])), "its key is not that of an account");
    }

    #[test]
    fn rounds_and_the_pseudorandom_function_of_pbkdf2_are_checked() {
        let mut keystore = light();
        keystore["crypto"]["kdf"] = json!("pbkdf2");
        let with = |c: u32, prf: &str| json!({ "dklen": 32, "c": c, "prf": prf, "salt": "00" });
        let cases = [
            (with(0, "hmac-sha256"), "its c is 0, not within 1 and 10000000"),
            (with(10_000_001, "hmac-sha256"), "its c is 10000001, not within 1 and 10000000"),
            (with(1, "hmac-sha512"), "its prf is `hmac-sha512`, and only hmac-sha256 is supported"),
        ];
        for (parameters, expected) in cases {
            keystore["crypto"]["kdfparams"] = parameters;
            assert_eq!(refused(&keystore), expected);
        }
    }

    proptest! {
        /// Whatever becomes of a file, it never opens as another account than the one that it names.
        #[test]
        fn a_damaged_keystore_opens_as_the_account_that_it_names_or_not_at_all(
            changes in prop::collection::vec((any::<Index>(), any::<char>(), 0..3u8), 1..4),
        ) {
            let mut text: Vec<char> = light().to_string().chars().collect();
            for (place, character, kind) in changes {
                let place = place.index(text.len());
                match kind {
                    0 => text[place] = character,
                    1 => text.insert(place, character),
                    _ => drop(text.remove(place)),
                }
            }
            let text: String = text.into_iter().collect();
            if let Ok(signer) = open(&text, "pw") {
                // Nothing authenticates the vector but the address, which a file may lack.
                let names_none = serde_json::from_str::<Keystore>(&text).unwrap().address.unwrap_or_default().is_empty();
                prop_assert!(signer.address() == DEV_1 || names_none);
            }
        }
    }

    #[test]
    fn the_parameters_of_scrypt_are_bounded() {
        for (log_n, log_r, log_p) in
            (0..64).flat_map(|n| (0..32).flat_map(move |r| (0..32).map(move |p| (n, r, p))))
        {
            let parameters = Scrypt { n: 1 << log_n, r: 1 << log_r, p: 1 << log_p };
            let memory = (128u128 << log_r) * ((1u128 << log_n) + (1 << log_p) + 1);
            let is_bounded = log_n > 0 && log_n + log_r + log_p <= 25 && memory <= 1 << 30;
            assert_eq!(parameters.checked().is_ok(), is_bounded, "{log_n} {log_r} {log_p}");
        }
        for n in [0, 3, u64::MAX] {
            assert!(Scrypt { n, r: 1, p: 1 }.checked().is_err(), "{n}");
        }
    }

    #[test]
    fn what_is_no_keystore_is_not_repeated() {
        for text in
            ["\"SECRET\"", "5151", "[\"SECRET\"]", "{\"version\": \"SECRET\"}", "SECRET", "{\"SECRET\": 1}"]
        {
            let Err(Locked::BadFile(reason)) = open(text, "pw") else { panic!("{text} opens") };
            assert!(reason.starts_with("it is no keystore, see line 1, column "), "{reason}");
            assert!(!reason.contains("SECRET") && !reason.contains("5151"), "{reason}");
        }
    }
}
