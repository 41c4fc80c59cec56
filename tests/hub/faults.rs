//! Scripted faults, one after the other: each ends with a model that is whole, or with a sentence and something
//! that goes on when the fault is gone.

use super::fake_hub::{FakeHub, Fault, noise, tiny};
use super::{NAME, get, is_whole, nothing_half_trusted, settings};
use lumina_studio::hub::Settings;
use std::ffi::OsString;
use std::path::Path;

const SHARD: &str = "model-00001-of-00002.safetensors";
const ALWAYS: usize = usize::MAX;

/// How a download ends while the fault lasts.
enum End {
    Whole,
    /// It ends well, and this is remarked.
    Remarked(&'static str),
    /// With this in its sentence.
    Refused(&'static str),
}

use End::{Refused, Remarked, Whole};

type Case = (&'static str, Vec<(&'static str, Fault, usize)>, End);

fn planned() -> Vec<Case> {
    use Fault::*;
    let cut = || (SHARD, CutAfter(100_000), 1);
    vec![
        ("no fault", vec![], Whole),
        ("cut once", vec![cut()], Whole),
        ("cut again and again", vec![(SHARD, CutAfter(30_000), 9)], Whole),
        (
            "cut at once, always",
            vec![(SHARD, CutAfter(0), ALWAYS)],
            Refused("broke off in the middle of model-00001"),
        ),
        ("hung up once", vec![(SHARD, HangUp, 1)], Whole),
        (
            "hung up always",
            vec![(SHARD, HangUp, ALWAYS)],
            Refused("cannot be reached"),
        ),
        ("stalled once", vec![(SHARD, StallAfter(50_000), 1)], Whole),
        (
            "stalled always",
            vec![(SHARD, StallAfter(0), ALWAYS)],
            Refused("no byte of model-00001"),
        ),
        (
            "a larger length",
            vec![(SHARD, LieAboutLength(100), ALWAYS)],
            Refused("another length"),
        ),
        (
            "a smaller length",
            vec![(SHARD, LieAboutLength(-100), ALWAYS)],
            Refused("another length"),
        ),
        (
            "a smaller length of a small file",
            vec![("config.json", LieAboutLength(-3), 1)],
            Refused("another length"),
        ),
        ("no length", vec![(SHARD, NoLength, ALWAYS)], Whole),
        (
            "too many bytes",
            vec![(SHARD, TooMuch, ALWAYS)],
            Refused("another length"),
        ),
        (
            "no ranges",
            vec![cut(), (SHARD, NoRange, 1)],
            Remarked("begins anew"),
        ),
        ("another part", vec![cut(), (SHARD, OtherPart, 1)], Whole),
        (
            "another whole",
            vec![cut(), (SHARD, LieAboutWhole, 1)],
            Refused("another length"),
        ),
        ("416 for a part", vec![cut(), (SHARD, Status(416, ""), 1)], Whole),
        (
            "416 for everything",
            vec![(SHARD, Status(416, ""), ALWAYS)],
            Refused("ends before the part"),
        ),
        (
            "429, soon over",
            vec![(SHARD, Status(429, "Retry-After: 0\r\n"), 3)],
            Whole,
        ),
        (
            "429 for a second",
            vec![(SHARD, Status(429, "Retry-After: 1\r\n"), 1)],
            Remarked("trying again in 1 s"),
        ),
        (
            "429 for an hour",
            vec![(SHARD, Status(429, "Retry-After: 3600\r\n"), 1)],
            Refused("asks to wait 3600 s"),
        ),
        (
            "429 always",
            vec![(SHARD, Status(429, ""), ALWAYS)],
            Refused("too many requests"),
        ),
        (
            "503 twice",
            vec![(SHARD, Status(503, "Retry-After: 0\r\n"), 2)],
            Whole,
        ),
        (
            "503 always",
            vec![(SHARD, Status(503, ""), ALWAYS)],
            Refused("trouble of its own (status 503)"),
        ),
        (
            "500 for the list, once",
            vec![("list", Status(500, ""), 1)],
            Whole,
        ),
        (
            "502 for the list, always",
            vec![("list", Status(502, ""), ALWAYS)],
            Refused("status 502"),
        ),
        (
            "a page for a small file",
            vec![("config.json", Page, 1)],
            Refused("web page in the place of config.json"),
        ),
        (
            "a page that says it is none",
            vec![(SHARD, PageInDisguise, 1)],
            Refused("web page in the place of model-0"),
        ),
        (
            "a page for the list",
            vec![("list", Page, 1)],
            Refused("web page in the place of the list"),
        ),
        (
            "a pointer",
            vec![(SHARD, Pointer, 1)],
            Refused("pointer of Git LFS"),
        ),
        (
            "a wrong byte",
            vec![(SHARD, WrongByte, 1)],
            Refused("do not have the sum"),
        ),
        (
            "another version behind a part",
            vec![cut(), (SHARD, WrongByte, 1)],
            Refused("do not have the sum"),
        ),
        (
            "the sum of another file",
            vec![("config.json", OtherSum, 1)],
            Refused("was changed on the server"),
        ),
        (
            "a circle",
            vec![(SHARD, Circle, ALWAYS)],
            Refused("round in circles"),
        ),
        (
            "an address that is none",
            vec![(SHARD, Nowhere, 1)],
            Refused("not safe"),
        ),
        (
            "noise",
            vec![(SHARD, Noise, 1)],
            Refused("does not answer as the Hub does"),
        ),
        (
            "noise for the list",
            vec![("list", Noise, 1)],
            Refused("does not answer as the Hub does"),
        ),
        (
            "half a list",
            vec![("list", NoList, 1)],
            Refused("list of files cannot be read"),
        ),
        (
            "listed and not there",
            vec![(SHARD, Status(404, "X-Error-Code: EntryNotFound\r\n"), ALWAYS)],
            Refused("listed, but"),
        ),
        (
            "an address that is over",
            vec![(SHARD, Status(403, ""), 1)],
            Whole,
        ),
        (
            "refused for good",
            vec![("config.json", Status(451, ""), 1)],
            Refused("status 451"),
        ),
        (
            "many at once",
            vec![
                (SHARD, CutAfter(90_000), 2),
                (
                    "model-00002-of-00002.safetensors",
                    Status(503, "Retry-After: 0\r\n"),
                    2,
                ),
                ("movqgan_tiny.ckpt", StallAfter(10_000), 1),
                ("tokenizer.json", HangUp, 2),
                ("config.json", Status(500, ""), 1),
            ],
            Whole,
        ),
    ]
}

/// Ends as it should; what has its name is right; without the fault it is whole.
fn ends(what: &str, hub: &FakeHub, settings: &Settings, end: &End) {
    let (got, remarks) = get(settings);
    nothing_half_trusted(&settings.cache);
    match (got, end) {
        (Ok(got), Whole) => is_whole(settings, &got),
        (Ok(got), Remarked(words)) => {
            is_whole(settings, &got);
            assert!(
                remarks.iter().any(|remark| remark.contains(words)),
                "{what}: {remarks:?}"
            );
        }
        (Err(error), Refused(words)) => {
            let sentence = error.to_string();
            assert!(sentence.contains(words), "{what}: {sentence}");
            assert_eq!(
                lumina_studio::hub::whole_snapshot(&settings.cache, &super::repository()),
                None,
                "{what}"
            );
        }
        (ended, _) => panic!("{what}: {ended:?}, {remarks:?}"),
    }
    hub.heal();
    let got = get(settings)
        .0
        .unwrap_or_else(|error| panic!("{what}, healed: {error}"));
    is_whole(settings, &got);
}

#[test]
fn after_each_of_forty_faults_the_model_is_whole_or_goes_on() {
    let cases = planned();
    assert!(cases.len() >= 40);
    for (what, faults, end) in cases {
        let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
        hub.put(NAME, &tiny());
        for (file, fault, times) in faults {
            hub.plan(file, fault, times);
        }
        ends(what, &hub, &settings(&hub, cache.path()), &end);
        assert!(!hub.token_leaked());
    }
}

#[test]
fn a_part_goes_on_where_it_ended_and_says_which_version_it_is_of() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    hub.plan(SHARD, Fault::CutAfter(100_000), 1);
    get(&settings(&hub, cache.path())).0.expect("a model");
    let asked = hub.asked();
    let of_shard = |range: Option<&str>| {
        let mut asked = asked.iter();
        asked.any(|asked| asked.is_store && asked.path.ends_with(SHARD) && asked.range.as_deref() == range)
    };
    assert!(of_shard(None) && of_shard(Some("bytes=100000-")), "{asked:?}");
    assert!(
        asked
            .iter()
            .any(|asked| asked.is_store && asked.if_range.as_deref().is_some_and(|v| v.starts_with("\"v-")))
    );
}

fn part_of(cache: &Path, bytes: &[u8]) {
    let blobs = cache.join("models--tiny--lumina/blobs");
    std::fs::create_dir_all(&blobs).expect("a folder");
    let sum = super::sum_of(&tiny()[SHARD]);
    std::fs::write(blobs.join(format!("{sum}.incomplete")), bytes).expect("a part");
}

#[test]
fn parts_of_any_kind_are_taken_for_what_they_are() {
    let whole = &tiny()[SHARD];
    let parts: [(&str, Vec<u8>, bool); 5] = [
        ("right", whole[..1000].to_vec(), false),
        ("damaged", noise(1000, 77), true),
        ("too long", noise(400_000, 77), false),
        ("whole", whole.clone(), false),
        ("whole and damaged", noise(whole.len(), 77), true),
    ];
    for (what, part, is_told) in parts {
        let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
        hub.put(NAME, &tiny());
        part_of(cache.path(), &part);
        let settings = settings(&hub, cache.path());
        let (got, remarks) = get(&settings);
        is_whole(&settings, &got.expect(what));
        assert_eq!(
            remarks.iter().any(|remark| remark.contains("was damaged")),
            is_told,
            "{what}: {remarks:?}"
        );
    }
}

#[test]
fn a_repository_that_changes_meanwhile_comes_in_its_new_version() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let mut next = tiny();
    next.insert(SHARD.to_owned(), noise(310_000, 8));
    hub.put_next(NAME, next.clone());
    hub.plan(SHARD, Fault::ChangeAfter(100_000), 1);
    let settings = settings(&hub, cache.path());
    let (got, remarks) = get(&settings);
    let got = got.expect("the new version");
    is_whole(&settings, &got);
    assert_eq!(
        &std::fs::read(got.snapshot.join(SHARD)).expect("a file"),
        &next[SHARD]
    );
    assert!(
        remarks.iter().any(|remark| remark.contains("new version")),
        "{remarks:?}"
    );
}

#[test]
fn gates_names_and_tokens_are_told_apart() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    let plain = settings(&hub, cache.path());
    ends_with(&plain, "there is no repository tiny/lumina");
    hub.put(NAME, &tiny());
    hub.gate(NAME, "hf_right");
    ends_with(&plain, "tiny/lumina is gated: open http://127.0.0.1");
    let with = |token: &str| {
        let variable = |name: &str| match name {
            "HF_ENDPOINT" => Some(OsString::from(hub.endpoint())),
            "HF_HUB_CACHE" => Some(cache.path().as_os_str().to_owned()),
            "HF_TOKEN" => Some(OsString::from(token)),
            _ => None,
        };
        Settings {
            patience: plain.patience,
            ..Settings::from(&variable).expect("settings")
        }
    };
    ends_with(&with("hf_wrong"), "your token has no access yet");
    let settings = with("hf_right");
    is_whole(&settings, &get(&settings).0.expect("a model"));
    let asked = hub.asked();
    assert!(asked.iter().any(|asked| asked.is_store) && asked.iter().any(|asked| asked.has_token));
    assert!(!hub.token_leaked(), "the token went to the store");
}

fn ends_with(settings: &Settings, words: &str) {
    let sentence = get(settings).0.expect_err(words).to_string();
    assert!(sentence.contains(words), "{sentence}");
    nothing_half_trusted(&settings.cache);
}

#[test]
fn what_is_no_model_what_does_not_fit_and_what_is_not_there_are_refused_before_the_first_byte() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let plain = settings(&hub, cache.path());
    let small = Settings {
        free_bytes: |_| Some(400_000),
        ..plain.clone()
    };
    ends_with(&small, "1 MB more are needed, 1 MB are free");
    assert!(
        hub.asked().iter().all(|asked| !asked.is_store),
        "a byte was fetched"
    );
    let offline = Settings {
        is_offline: true,
        ..plain.clone()
    };
    hub.forget();
    ends_with(&offline, "HF_HUB_OFFLINE is set");
    assert!(hub.asked().is_empty());
    let mut broken = tiny();
    broken.remove("model-00002-of-00002.safetensors");
    hub.put(NAME, &broken);
    ends_with(&plain, "names model-00002-of-00002.safetensors");
    broken.retain(|name, _| !name.contains("movq") && name != "config.json");
    hub.put(NAME, &broken);
    ends_with(&plain, "it has no config.json");
    let nobody = Settings {
        endpoint: "http://127.0.0.1:9".to_owned(),
        ..plain.clone()
    };
    ends_with(&nobody, "127.0.0.1:9 cannot be reached");
    // What is here is enough without the Hub.
    hub.put(NAME, &tiny());
    let got = get(&plain).0.expect("a model");
    hub.forget();
    assert_eq!(get(&offline).0.expect("it is here"), got);
    assert!(hub.asked().is_empty());
}

#[test]
fn a_server_that_cannot_show_who_it_is_is_not_safe() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    let settings = Settings {
        endpoint: format!("https://127.0.0.1:{port}"),
        ..settings(&hub, cache.path())
    };
    ends_with(&settings, "is not safe");
}
