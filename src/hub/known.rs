//! The models people are offered: the program's own list, and entries of the user's.

use super::repository::Repository;
use crate::task::Offered;
use serde::Deserialize;
use std::path::Path;

const OWN: &str = include_str!("../../assets/models.json");
/// Longest list of a user, in bytes.
const LONGEST: u64 = 1 << 20;

#[derive(Deserialize)]
struct List {
    models: Vec<Offered>,
}

fn read(text: &str) -> Result<Vec<Offered>, String> {
    let list: List =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())?;
    for model in &list.models {
        let names = std::iter::once(&model.repository).chain(&model.tokenizer);
        for name in names {
            name.parse::<Repository>().map_err(|error| error.to_string())?;
        }
    }
    Ok(list.models)
}

/// The program's own list.
pub fn offers() -> Vec<Offered> {
    // A test reads it.
    read(OWN).unwrap_or_default()
}

/// The program's list and that of a file of the user's; an entry for the same repository replaces the program's.
/// What is wrong with the file is told beside.
pub fn known(file: Option<&Path>) -> (Vec<Offered>, Option<String>) {
    let mut all = offers();
    let Some(file) = file else {
        return (all, None);
    };
    let text = match std::fs::metadata(file) {
        Err(_) => return (all, None),
        Ok(about) if about.len() > LONGEST => Err("it is longer than a list of models is".to_owned()),
        Ok(_) => std::fs::read_to_string(file).map_err(|error| error.to_string()),
    };
    match text.and_then(|text| read(&text)) {
        Ok(own) => {
            all.retain(|model| !own.iter().any(|other| other.repository == model.repository));
            all.extend(own);
            (all, None)
        }
        Err(why) => {
            let why = format!(
                "{} is left out ({why}): write {{\"models\": [...]}} as in assets/models.json",
                file.display()
            );
            (all, Some(why))
        }
    }
}

/// The files that are wanted of a repository, where the program knows.
pub(super) fn preferred(repository: &Repository) -> Vec<String> {
    let name = repository.to_string();
    let offer = offers().into_iter().find(|offer| offer.repository == name);
    offer.map(|offer| offer.files).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_list_can_be_read_and_names_its_tokenizers() {
        let offers = read(OWN).unwrap();
        assert_eq!(offers.len(), 5);
        for offer in &offers {
            assert!(offer.bytes.is_some() && offer.licence.is_some() && offer.about.len() > 20);
            if let Some(tokenizer) = &offer.tokenizer {
                assert!(offers.iter().any(|other| other.repository == *tokenizer));
            }
        }
        let movq = "ai-forever/MoVQGAN".parse().unwrap();
        assert_eq!(preferred(&movq), ["movqgan_270M.ckpt"]);
    }

    #[test]
    fn users_add_and_replace_and_a_bad_list_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("models.json");
        assert_eq!(known(Some(&file)), (offers(), None));
        let text = r#"{"models": [{"repository": "me/mine", "title": "Mine", "about": "x"},
            {"repository": "ai-forever/MoVQGAN", "title": "Another", "about": "y"}]}"#;
        std::fs::write(&file, text).unwrap();
        let (all, why) = known(Some(&file));
        assert_eq!((all.len(), why), (6, None));
        assert_eq!(all.iter().filter(|model| model.title == "Another").count(), 1);
        std::fs::write(
            &file,
            r#"{"models": [{"repository": "../x", "title": "", "about": ""}]}"#,
        )
        .unwrap();
        let (all, why) = known(Some(&file));
        assert!(all.len() == 5 && why.is_some_and(|why| why.contains("OWNER/NAME")));
    }
}
