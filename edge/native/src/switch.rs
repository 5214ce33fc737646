//! The kill switch: a small file that is read again twice a second, so that it works while nothing else does.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use hemstitch::kill_switch::KillSwitch;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::journal;

const LOOK: Duration = Duration::from_millis(500);
/// Largest file that is read, in bytes: no list of rules is longer.
const MOST_BYTES: u64 = 1024 * 1024;

/// What the switch says.
#[derive(Clone)]
pub struct Switch(watch::Receiver<KillSwitch>);

impl Switch {
    /// As of the last look, which was a second ago at most.
    pub fn now(&self) -> KillSwitch {
        self.0.borrow().clone()
    }
}

/// The file behind a switch. Whatever happens to the file, the last setting that could be read stands.
pub struct SwitchFile {
    path: Option<PathBuf>,
    says: watch::Sender<KillSwitch>,
    complaint: Option<String>,
}

/// Why a file says nothing.
#[derive(Debug, thiserror::Error)]
enum SwitchError {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error("larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("not UTF-8")]
    NotText,
    #[error("{0:?} is no setting; write on, off, or off: and the ids of rules with commas between them")]
    Unknown(String),
}

impl SwitchFile {
    /// Reads the file for the first time. Without one, or where it cannot be read, everything is on.
    pub async fn open(path: Option<PathBuf>) -> (SwitchFile, Switch) {
        let (says, switch) = watch::channel(KillSwitch::On);
        let mut file = SwitchFile { path, says, complaint: None };
        file.look().await;
        (file, Switch(switch))
    }

    /// Keeps looking for as long as it is polled.
    pub async fn run(mut self) {
        while self.path.is_some() {
            sleep(LOOK).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let Some(path) = &self.path else { return };
        let complaint = match read(path).await {
            Ok(read) => {
                self.says.send_if_modified(|says| {
                    let changed = *says != read;
                    *says = read;
                    changed
                });
                None
            }
            Err(error) => {
                let stands = match &*self.says.borrow() {
                    KillSwitch::On => "on",
                    KillSwitch::Off => "off",
                    KillSwitch::Without(_) => "off for some rules",
                };
                Some(format!("kill switch {}: {error}; personalization stays {stands}", path.display()))
            }
        };
        if let Some(complaint) = complaint.as_ref().filter(|_| complaint != self.complaint) {
            journal::warn(complaint);
        }
        self.complaint = complaint;
    }
}

async fn read(path: &PathBuf) -> Result<KillSwitch, SwitchError> {
    let file = tokio::fs::metadata(path).await?;
    if !file.is_file() {
        // A pipe would never end.
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a file").into());
    }
    if file.len() > MOST_BYTES {
        return Err(SwitchError::TooLarge);
    }
    let text = String::from_utf8(tokio::fs::read(path).await?).map_err(|_| SwitchError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let unknown = || SwitchError::Unknown(text.trim().chars().take(100).collect());
    KillSwitch::parse(text).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn the_last_good_setting_stands_whatever_happens_to_the_file() {
        let folder = std::env::temp_dir().join(format!("hemstitch-switch-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("personalization");
        let (mut file, switch) = SwitchFile::open(Some(path.clone())).await;
        assert_eq!(switch.now(), KillSwitch::On, "none has been read");
        assert!(file.complaint.is_some(), "the file is missing");
        let without = || KillSwitch::Without(vec!["a".to_owned()]);
        for (bytes, expect, good) in [
            (Some(&b"\xef\xbb\xbfoff\r\n"[..]), KillSwitch::Off, true),
            (None, KillSwitch::Off, false),
            (Some(b"\xff\xfeo\0n\0"), KillSwitch::Off, false),
            (Some(b""), KillSwitch::Off, false),
            (Some(b"of"), KillSwitch::Off, false),
            (Some(b"on"), KillSwitch::On, true),
            (Some(b"0ff"), KillSwitch::On, false),
            (Some(b"\xef\xbb\xbfoff:a"), without(), true),
            (Some(b"off:"), without(), false),
            (None, without(), false),
            (Some(b" ON "), KillSwitch::On, true),
        ] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            file.look().await;
            assert_eq!((switch.now(), file.complaint.is_none()), (expect, good), "{bytes:?}");
        }
        fs::write(&path, "off").expect("written");
        file.look().await;
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a folder in its place");
        file.look().await;
        assert_eq!((switch.now(), file.complaint.is_none()), (KillSwitch::Off, false));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
