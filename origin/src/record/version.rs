//! One publication of the record, as it is told.

use hemstitch::pack::PackHash;
use hemstitch::time::UnixTime;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize, Serializer};

/// A publication, but for its ruleset and its pack. As JSON: what the origin tells operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub sequence: u64,
    /// What was published.
    #[serde(with = "hex")]
    pub pack: PackHash,
    /// From when it is live, where that is not at once, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<u64>,
    /// What is live until then, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "perhaps_hex")]
    pub until_then: Option<PackHash>,
    /// When it was recorded, in seconds since 1970.
    pub published: u64,
    /// Who published it, by their token.
    pub operator: String,
    /// From where: the address that the origin saw, or `local`.
    pub peer: String,
    /// What they said of it.
    pub message: String,
    /// The number of the publication that it repeats, where it is a way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<u64>,
    /// The signed pointer.
    #[serde(with = "base64url")]
    pub pointer: Vec<u8>,
}

impl Version {
    pub(super) const COLUMNS: &str =
        "sequence, pack, starts, until_then, published, operator, peer, message, again, pointer";

    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Version> {
        let unsigned = |at: usize, value: i64| {
            u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, value))
        };
        let optional =
            |at: usize| row.get::<_, Option<i64>>(at)?.map(|value| unsigned(at, value)).transpose();
        let hash = |at: usize, text: String| {
            PackHash::from_hex(&text).ok_or_else(|| rusqlite::Error::InvalidColumnType(at, text, Type::Text))
        };
        Ok(Version {
            sequence: unsigned(0, row.get(0)?)?,
            pack: hash(1, row.get(1)?)?,
            starts: optional(2)?,
            until_then: row.get::<_, Option<String>>(3)?.map(|text| hash(3, text)).transpose()?,
            published: unsigned(4, row.get(4)?)?,
            operator: row.get(5)?,
            peer: row.get(6)?,
            message: row.get(7)?,
            again: optional(8)?,
            pointer: row.get(9)?,
        })
    }

    /// The pack that is live at a time, as long as no other publication follows.
    pub fn live(&self, now: UnixTime) -> PackHash {
        match (self.starts, self.until_then) {
            (Some(starts), Some(until_then)) if now.0 < starts => until_then,
            _ => self.pack,
        }
    }
}

mod hex {
    use super::{PackHash, Serializer};
    use serde::de::{Deserialize, Deserializer, Error};

    pub fn serialize<S: Serializer>(hash: &PackHash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PackHash, D::Error> {
        let text = String::deserialize(deserializer)?;
        PackHash::from_hex(&text).ok_or_else(|| D::Error::custom("not the hash of a pack"))
    }
}

mod perhaps_hex {
    use super::{PackHash, Serializer, hex};
    use serde::de::Deserializer;

    pub fn serialize<S: Serializer>(hash: &Option<PackHash>, serializer: S) -> Result<S::Ok, S::Error> {
        match hash {
            Some(hash) => hex::serialize(hash, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PackHash>, D::Error> {
        hex::deserialize(deserializer).map(Some)
    }
}

/// Bytes as a text of JSON.
pub mod base64url {
    use super::Serializer;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::de::{Deserialize, Deserializer, Error};

    /// Writes them.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| D::Error::custom("not base64url"))
    }
}
