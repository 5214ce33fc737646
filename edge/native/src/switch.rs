//! The kill switch: a small file that is read again every second, so that it works while nothing else does.

use std::path::PathBuf;
use std::time::Duration;

use hemstitch::kill_switch::KillSwitch;
use tokio::sync::watch;
use tokio::time::sleep;

const LOOK: Duration = Duration::from_millis(500);

/// What the switch says.
#[derive(Clone)]
pub struct Switch(watch::Receiver<KillSwitch>);

impl Switch {
    /// As of the last look, which was a second ago at most.
    pub fn now(&self) -> KillSwitch {
        self.0.borrow().clone()
    }
}

/// The file behind a switch.
pub struct SwitchFile {
    path: Option<PathBuf>,
    says: watch::Sender<KillSwitch>,
}

impl SwitchFile {
    /// Reads the file for the first time. Without one, or where it cannot be read, everything is on.
    pub async fn open(path: Option<PathBuf>) -> (SwitchFile, Switch) {
        let (says, switch) = watch::channel(KillSwitch::On);
        let file = SwitchFile { path, says };
        file.look().await;
        (file, Switch(switch))
    }

    /// Keeps looking for as long as it is polled.
    pub async fn run(self) {
        while self.path.is_some() {
            sleep(LOOK).await;
            self.look().await;
        }
    }

    async fn look(&self) {
        let Some(path) = &self.path else { return };
        let setting = tokio::fs::read_to_string(path).await.unwrap_or_default();
        let read = KillSwitch::parse(&setting);
        self.says.send_if_modified(|says| {
            let changed = *says != read;
            *says = read;
            changed
        });
    }
}
