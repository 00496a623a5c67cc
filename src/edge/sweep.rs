//! Going through KV by names, to take out what must not stay there.
//!
//! KV lists what it holds with a delay: a value that was just removed may be named for another minute,
//! and is removed once more. So whoever sweeps repeats until nothing is left, and a repetition does no
//! harm.

use super::tenant::EdgeMeta;
use crate::app::App;
use crate::db::StorageError;
use crate::kv::Listed;
use crate::model::published::FileMeta;

/// The most values that are removed in one go: a request to a Worker may make 1,000 calls of KV.
const MAX_DELETIONS: usize = 400;

/// The most lists, of 1,000 names each, that are looked at in one go.
const MAX_PAGES: usize = 500;

/// Counts the files that are wrapped under another master key than `master`, and removes some of them
/// if `remove` says so; how many are left.
pub async fn files_not_under(app: &App, master: &str, remove: bool) -> Result<u64, StorageError> {
    let wrapped_by_another = |listed: &Listed| is_wrapped_by_another(listed, master);
    sweep(app, "f1:", remove, &wrapped_by_another).await
}

/// Removes tenants as they were published below a version, under whatever access path; how many are
/// left.
pub async fn tenants_below(app: &App, version: u64) -> Result<u64, StorageError> {
    let older = |listed: &Listed| is_older(listed, version);
    sweep(app, "t1:", true, &older).await
}

fn is_wrapped_by_another(listed: &Listed, master: &str) -> bool {
    // `f1:<tenant>:<kind>:<form>:<owner>`
    let is_wrapped = listed.name.split(':').nth(3) == Some("plain");
    is_wrapped && metadata::<FileMeta>(listed).is_none_or(|meta| meta.master != master)
}

fn is_older(listed: &Listed, version: u64) -> bool {
    metadata::<EdgeMeta>(listed).is_none_or(|meta| meta.version < version)
}

fn metadata<T: serde::de::DeserializeOwned>(listed: &Listed) -> Option<T> {
    ringfence_json::from_str(listed.metadata.as_deref()?).ok()
}

async fn sweep(
    app: &App,
    prefix: &str,
    remove: bool,
    wanted: &dyn Fn(&Listed) -> bool,
) -> Result<u64, StorageError> {
    let mut found = Vec::new();
    let mut left = 0;
    let mut cursor: Option<String> = None;
    for page in 0.. {
        let listed = app.kv.list(prefix, cursor.as_deref()).await?;
        for key in listed.keys.into_iter().filter(|key| wanted(key)) {
            if remove && found.len() < MAX_DELETIONS {
                found.push(key.name);
            } else {
                left += 1;
            }
        }
        cursor = listed.cursor.filter(|cursor| !cursor.is_empty());
        if cursor.is_none() {
            break;
        }
        if page + 1 == MAX_PAGES {
            // What comes behind is not known: at least it has to be looked at.
            left += 1;
            break;
        }
    }
    app.kv.delete_all(&found).await?;
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, metadata: Option<&str>) -> Listed {
        Listed {
            name: name.into(),
            metadata: metadata.map(Into::into),
        }
    }

    #[test]
    fn wrapped_files_are_told_from_sealed_ones_and_by_their_master_key() {
        let meta = |master: &str| {
            format!(r#"{{"v":1,"g":0,"e":"","c":true,"t":"text/plain","n":1,"m":"{master}"}}"#)
        };
        let plain = "f1:T:master:plain:";
        assert!(!is_wrapped_by_another(
            &listed(plain, Some(&meta("k2"))),
            "k2"
        ));
        assert!(is_wrapped_by_another(
            &listed(plain, Some(&meta("k1"))),
            "k2"
        ));
        // From before they said so.
        let silent = r#"{"v":1,"g":0,"e":"","c":true,"t":"text/plain","n":1}"#;
        assert!(is_wrapped_by_another(&listed(plain, Some(silent)), "k2"));
        assert!(is_wrapped_by_another(&listed(plain, None), "k2"));
        let sealed = "f1:T:standard:sealed:0080F0C571EB";
        assert!(!is_wrapped_by_another(&listed(sealed, Some(silent)), "k2"));
    }

    #[test]
    fn a_tenant_without_a_version_is_an_old_one() {
        assert!(!is_older(&listed("t1:x", Some(r#"{"v":10}"#)), 10));
        assert!(is_older(&listed("t1:x", Some(r#"{"v":9}"#)), 10));
        assert!(is_older(&listed("t1:x", None), 10));
    }
}
