//! The library in a temporary folder, with a reader that knows no pictures.

use super::*;
use std::cell::Cell;

const NOW: Moment = Moment {
    year: 2026,
    month: 11,
    day: 24,
    hour: 9,
    minute: 5,
    second: 7,
};

/// A picture is a text here: its prompt.
#[derive(Default)]
struct Texts {
    asked: Cell<usize>,
}

impl Reader for Texts {
    fn about(&self, path: &Path) -> Option<About> {
        self.asked.set(self.asked.get() + 1);
        let prompt = std::fs::read_to_string(path)
            .ok()
            .filter(|text| !text.is_empty())?;
        Some(About {
            prompt,
            mode: "generate".to_owned(),
            seed: 1,
            model: "starter".to_owned(),
            panel: Size::new(128, 128),
            rows: (16, 16),
            lineage: Lineage::default(),
        })
    }

    fn small(&self, path: &Path, longest: u32) -> Result<Pixels, String> {
        self.asked.set(self.asked.get() + 1);
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        Ok(Pixels::filled(Size::new(longest, 2), [text.len() as u8; 3]))
    }
}

fn library() -> (tempfile::TempDir, Library) {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::new(&Places::below(folder.path()));
    (folder, library)
}

/// Saves a "picture" as the program would.
fn draw(library: &Library, second: u32, prompt: &str) -> PathBuf {
    let path = library.place(&Moment { second, ..NOW }, 7, prompt).unwrap();
    std::fs::write(&path, prompt).unwrap();
    path
}

fn names(library: &Library) -> Vec<String> {
    library.entries().iter().map(|entry| name(&entry.path)).collect()
}

fn entry<'a>(library: &'a Library, path: &Path) -> Option<&'a Entry> {
    library.entries().iter().find(|entry| entry.path == path)
}

#[test]
fn names_tell_time_seed_and_words() {
    let (_folder, library) = library();
    let place = |prompt: &str| {
        let path = library.place(&NOW, 482_913, prompt).unwrap();
        let day = name(path.parent().unwrap());
        format!("{day}/{}", name(&path))
    };
    assert_eq!(
        place("A fox, on the beach!"),
        "2026-11-24/090507-482913-a-fox-on-the-beach.png"
    );
    assert_eq!(place(" ../..\\:*?\"<>|\0 "), "2026-11-24/090507-482913.png");
    assert_eq!(place("Ein Bär 熊"), "2026-11-24/090507-482913-ein-bär-熊.png");
    for long in ["word ".repeat(99), "熊".repeat(99), "x".repeat(999)] {
        let place = place(&long);
        assert!(place.len() < 100 && place.len() > 70, "{place}");
    }
    let first = draw(&library, 1, "a fox");
    let second = draw(&library, 1, "a fox");
    assert_eq!(
        (name(&first), name(&second)),
        ("090501-7-a-fox.png".into(), "090501-7-a-fox-2.png".into())
    );
}

#[test]
fn the_list_is_newest_first_and_holds_pictures_only() {
    let (_folder, mut library) = library();
    assert_eq!(library.refresh(&Texts::default()), Changes::default());
    let (one, two) = (draw(&library, 1, "one"), draw(&library, 2, "two"));
    let older = library.folder.join("2026-11-23");
    std::fs::create_dir_all(older.join("folder.png")).unwrap();
    for (file, text) in [
        ("235959-1-old.PNG", "old"),
        (".090509.png", "hidden"),
        ("notes.txt", "notes"),
        ("empty.png", ""),
    ] {
        std::fs::write(older.join(file), text).unwrap();
    }
    let elsewhere = library.folder.join("exports");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("090507.png"), "not ours").unwrap();
    let changes = library.refresh(&Texts::default());
    assert_eq!((changes.fresh.len(), changes.vanished.len()), (4, 0));
    assert_eq!(
        names(&library),
        [
            "090502-7-two.png",
            "090501-7-one.png",
            "empty.png",
            "235959-1-old.PNG"
        ]
    );
    assert_eq!(entry(&library, &two).unwrap().day, "2026-11-24");
    assert!(entry(&library, &older.join("empty.png")).unwrap().about.is_none());
    assert_eq!(
        entry(&library, &one).unwrap().about.as_ref().unwrap().prompt,
        "one"
    );
}

#[test]
fn a_second_look_reads_only_what_changed_and_tells_what_is_gone() {
    let (_folder, mut library) = library();
    let (one, two) = (draw(&library, 1, "one"), draw(&library, 2, "two"));
    let reader = Texts::default();
    library.refresh(&reader);
    assert_eq!(reader.asked.get(), 2);
    assert_eq!(library.refresh(&reader), Changes::default());
    assert_eq!(reader.asked.get(), 2);
    std::fs::write(&one, "one, finished").unwrap();
    std::fs::remove_file(&two).unwrap();
    let changes = library.refresh(&reader);
    assert_eq!(
        (changes.fresh, changes.vanished),
        (vec![one.clone()], vec![two.clone()])
    );
    assert_eq!(
        entry(&library, &one).unwrap().about.as_ref().unwrap().prompt,
        "one, finished"
    );
    assert!(
        library
            .thumbnail(&two, 8, &reader)
            .unwrap_err()
            .to_string()
            .contains("is gone")
    );
    assert!(
        library
            .remove(&two)
            .unwrap_err()
            .to_string()
            .contains("gone already")
    );
    std::fs::remove_dir_all(&library.folder).unwrap();
    assert_eq!(library.refresh(&reader).vanished, [one]);
    assert!(library.entries().is_empty());
}

#[test]
fn all_words_have_to_be_found() {
    let (_folder, mut library) = library();
    for (second, prompt) in [(1, "A red Fox"), (2, "a fox by the sea"), (3, "ein BÄR")] {
        draw(&library, second, prompt);
    }
    library.refresh(&Texts::default());
    let found = |words: &str| library.find(words, Only::All).len();
    assert_eq!(
        [
            found(""),
            found("FOX"),
            found("fox sea"),
            found("bär"),
            found("owl")
        ],
        [3, 2, 1, 1, 0]
    );
    assert!(library.find("fox", Only::Starred).is_empty());
}

#[test]
fn stars_are_kept_and_shared() {
    let (folder, mut library) = library();
    let (one, two) = (draw(&library, 1, "one"), draw(&library, 2, "two"));
    library.refresh(&Texts::default());
    library.star(&one).unwrap();
    assert!(entry(&library, &one).unwrap().starred);
    assert!(library.starred() == std::slice::from_ref(&one));
    let mut other = Library::new(&Places::below(folder.path()));
    other.star(&two).unwrap();
    library.unstar(&one).unwrap();
    library.refresh(&Texts::default());
    let starred: Vec<_> = library
        .find("", Only::Starred)
        .iter()
        .map(|entry| entry.path.clone())
        .collect();
    assert_eq!(starred, [two]);
    let file = folder.path().join("data/stars.json");
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    std::fs::write(&file, "{").unwrap();
    library.star(&one).unwrap();
    assert_eq!(
        std::fs::read_to_string(file.with_extension("json.damaged")).unwrap(),
        "{"
    );
    library.refresh(&Texts::default());
    assert_eq!(library.find("", Only::Starred).len(), 2);
}

#[test]
fn thumbnails_are_made_once_for_each_state_of_a_picture() {
    let (folder, library) = library();
    let path = draw(&library, 1, "four");
    let reader = Texts::default();
    let look = |longest| library.thumbnail(&path, longest, &reader).unwrap();
    assert_eq!(look(8), Pixels::filled(Size::new(8, 2), [4; 3]));
    assert_eq!((look(8), reader.asked.get()), (look(8), 1));
    assert_eq!((look(9).size().width, reader.asked.get()), (9, 2));
    std::fs::write(&path, "longer").unwrap();
    assert_eq!(look(8).rgb()[0], 6);
    let cache = folder.path().join("cache/thumbnails");
    let files = || {
        std::fs::read_dir(&cache)
            .unwrap()
            .map(|file| file.unwrap().path())
    };
    assert_eq!(files().count(), 3);
    for file in files() {
        std::fs::write(file, "damaged").unwrap();
    }
    assert_eq!(look(8).rgb()[0], 6);
    library.tidy_thumbnails(1);
    assert_eq!(files().count(), 1);
    library.tidy_thumbnails(0);
    std::fs::remove_dir(&cache).unwrap();
    // Where there is no cache, thumbnails are made each time.
    std::fs::write(&cache, "a file in its place").unwrap();
    assert_eq!(look(8).rgb()[0], 6);
}

#[test]
fn days_are_recognised() {
    assert_eq!(NOW.day(), "2026-11-24");
    assert!(clock::is_day(&Moment::now().day()));
    for wrong in ["2026-11-2", "2026-11-245", "2026_11-24", "exports", "２026-11-2"] {
        assert!(!clock::is_day(wrong), "{wrong}");
    }
}

#[test]
fn days_are_said_as_people_say_them() {
    let said = |day| day_in_words(day, "2026-11-24");
    assert_eq!(said("2026-11-24"), "Today");
    assert_eq!(said("2026-11-23"), "Yesterday");
    assert_eq!(said("2026-11-21"), "Saturday 21 November");
    assert_eq!(said("2025-01-01"), "Wednesday 1 January 2025");
    assert_eq!(day_in_words("2026-12-31", "2027-01-01"), "Yesterday");
    // A folder may be named like a day that never was.
    assert_eq!(said("2026-02-31"), "2026-02-31");
}

/// The trash belongs to the whole user account: this test runs itself in a process of its own that
/// has another one.
#[cfg(target_os = "linux")]
#[test]
fn what_is_thrown_away_comes_back() {
    const MARK: &str = "LUMINA_STUDIO_TEST_TRASH";
    let Some(home) = std::env::var_os(MARK) else {
        let home = tempfile::tempdir().unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::tests::what_is_thrown_away_comes_back"])
            .env(MARK, home.path())
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("share"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    let mut library = Library::new(&Places::below(Path::new(&home)));
    let (one, two) = (draw(&library, 1, "one"), draw(&library, 2, "two"));
    library.refresh(&Texts::default());
    library.star(&one).unwrap();
    let removed = library.remove(&one).unwrap();
    assert!(!one.exists() && entry(&library, &one).is_none());
    assert!(
        Path::new(&home)
            .join("share/Trash/files")
            .join(name(&one))
            .exists()
    );
    assert_eq!(library.undo(&removed).unwrap(), one);
    library.refresh(&Texts::default());
    assert!(entry(&library, &one).unwrap().starred);
    assert_eq!(std::fs::read_to_string(&one).unwrap(), "one");
    assert!(
        library
            .undo(&removed)
            .unwrap_err()
            .to_string()
            .contains("another file")
    );
    let removed = library.remove(&two).unwrap();
    // The folder of the day may be gone too.
    std::fs::remove_dir_all(two.parent().unwrap()).unwrap();
    library.undo(&removed).unwrap();
    assert_eq!(std::fs::read_to_string(&two).unwrap(), "two");
    let removed = library.remove(&two).unwrap();
    std::fs::remove_dir_all(Path::new(&home).join("share/Trash")).unwrap();
    assert!(
        library
            .undo(&removed)
            .unwrap_err()
            .to_string()
            .contains("no longer in the trash")
    );
}
