//! The folder that pages come from, and which of its files a URL means.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use percent_encoding::percent_decode_str;

/// The file with the settings of the folder's files. It is never served.
pub const SETTINGS_FILE: &str = "site.json";

/// A folder of files. Nothing outside of it is reachable, by dots or by symbolic links.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// A file of the folder, as it was when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it is, without symbolic links.
    pub file: PathBuf,
    /// Its path in the folder, with `/` between the parts.
    pub name: String,
    /// When it was changed last.
    pub modified: SystemTime,
    /// Its length in bytes.
    pub len: u64,
}

/// Why a path is no folder to serve.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It does not exist, or may not be read.
    #[error("the folder {} cannot be read", path.display())]
    Unreadable {
        /// The path that was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a file.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The path that was given.
        path: PathBuf,
    },
}

impl Folder {
    /// The folder at `path`.
    pub fn open(path: &Path) -> Result<Folder, FolderError> {
        let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
        let root = path.canonicalize().map_err(unreadable)?;
        match fs::metadata(&root).map_err(unreadable)?.is_dir() {
            true => Ok(Folder { root }),
            false => Err(FolderError::NotAFolder { path: path.to_owned() }),
        }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The file that a URL's path means: `/` is `index.html`, `/a` is `a`, `a.html` or `a/index.html`. Blocks on IO.
    pub fn find(&self, url_path: &str) -> Option<Document> {
        let names = names(url_path)?;
        let plain: PathBuf = names.iter().collect();
        let index = plain.join("index.html");
        if url_path.ends_with('/') {
            return self.document(&index);
        }
        let html = plain.with_file_name(format!("{}.html", names.last()?));
        [plain, html, index].iter().find_map(|candidate| self.document(candidate))
    }

    /// The file of exactly this path, without `index.html` and the like. Blocks on IO.
    pub fn file(&self, path: &str) -> Option<Document> {
        self.document(&names(path)?.iter().collect::<PathBuf>())
    }

    fn document(&self, relative: &Path) -> Option<Document> {
        if relative == Path::new(SETTINGS_FILE) {
            return None;
        }
        let file = self.root.join(relative).canonicalize().ok()?;
        if !file.starts_with(&self.root) {
            return None;
        }
        let metadata = fs::metadata(&file).ok().filter(fs::Metadata::is_file)?;
        let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
        Some(Document {
            file,
            name: parts.join("/"),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            len: metadata.len(),
        })
    }
}

/// The names between the slashes, decoded; `None` where one could lead anywhere but down, or to a hidden file.
fn names(url_path: &str) -> Option<Vec<String>> {
    let path = url_path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return (url_path == "/").then(Vec::new);
    }
    path.split('/').map(name).collect()
}

fn name(segment: &str) -> Option<String> {
    let name = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
    let mut components = Path::new(&name).components();
    let plain = matches!((components.next(), components.next()), (Some(Component::Normal(part)), None) if part == name.as_str());
    let hidden = name.starts_with('.') && name != ".well-known";
    let strange = name.chars().any(|character| character.is_control() || character == '\\');
    (plain && !hidden && !strange).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("pages");
        for file in [
            "index.html",
            "a.html",
            "b/index.html",
            "c/d.css",
            "e",
            "e.html",
            "ü.html",
            ".hidden",
            "site.json",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        fs::create_dir_all(root.join(".well-known")).unwrap();
        fs::write(root.join(".well-known/security.txt"), "s").unwrap();
        fs::write(outer.path().join("secret.html"), "secret").unwrap();
        let folder = Folder::open(&root).unwrap();
        (outer, folder)
    }

    #[test]
    fn a_path_means_a_file_a_page_or_an_index() {
        let (_outer, folder) = folder();
        for (path, expect) in [
            ("/", Some("index.html")),
            ("/index.html", Some("index.html")),
            ("/a", Some("a.html")),
            ("/a.html", Some("a.html")),
            ("/b", Some("b/index.html")),
            ("/b/", Some("b/index.html")),
            ("/c/d.css", Some("c/d.css")),
            ("/e", Some("e")),
            ("/%61", Some("a.html")),
            ("/%C3%BC", Some("ü.html")),
            ("/.well-known/security.txt", Some(".well-known/security.txt")),
            ("/c", None),
            ("/c/", None),
            ("/a/", None),
            ("/none", None),
            ("", None),
            ("a", None),
        ] {
            assert_eq!(folder.find(path).map(|found| found.name).as_deref(), expect, "{path}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_folder_or_to_hidden_files() {
        let (_outer, folder) = folder();
        for path in [
            "/../secret",
            "/../secret.html",
            "/%2e%2e/secret.html",
            "/b/../../secret.html",
            "/..%2fsecret.html",
            "/b%2findex.html",
            "/b\\index.html",
            "/b%5Cindex.html",
            "//secret.html",
            "//",
            "/b//",
            "/./a.html",
            "/a.html%00",
            "/%ff",
            "/.hidden",
            "/site.json",
            "/site",
        ] {
            assert_eq!(folder.find(path), None, "{path}");
            assert_eq!(folder.file(path), None, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_inside_the_folder_and_refused_to_the_outside() {
        use std::os::unix::fs::symlink;
        let (outer, folder) = folder();
        symlink(outer.path().join("secret.html"), folder.path().join("out.html")).unwrap();
        symlink(outer.path(), folder.path().join("up")).unwrap();
        symlink("a.html", folder.path().join("in.html")).unwrap();
        assert_eq!(folder.find("/out"), None);
        assert_eq!(folder.find("/up/secret.html"), None);
        assert_eq!(folder.find("/in").map(|found| found.name).as_deref(), Some("in.html"));
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let (outer, _folder) = folder();
        let file = outer.path().join("secret.html");
        assert!(matches!(Folder::open(&file), Err(FolderError::NotAFolder { .. })));
        assert!(matches!(Folder::open(&outer.path().join("none")), Err(FolderError::Unreadable { .. })));
    }
}
