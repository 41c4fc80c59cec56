//! What a model is called on the models page.

use std::path::Path;

/// The name of a model file or folder.
pub(crate) fn name_of(path: &Path) -> String {
    // A snapshot in the Hugging Face cache is called by its repository.
    let repository = path.ancestors().find_map(|above| {
        let name = above.file_name()?.to_str()?.strip_prefix("models--")?;
        Some(name.replace("--", "/"))
    });
    repository.unwrap_or_else(|| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    })
}
