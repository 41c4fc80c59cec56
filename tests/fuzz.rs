//! Files of every kind this program reads, damaged in 300 ways each: no panic, no hang, no more memory
//! than a bound. The damage is the same in every run.

#[path = "fuzz/memory.rs"]
mod memory;
#[path = "fuzz/mutate.rs"]
mod mutate;

use lumina_studio::engine_room::{self, EngineRoom, LocalModels, ModelSource};
use lumina_studio::model::bundle::tokenizer_files;
use lumina_studio::model::movq::MovqConfig;
use lumina_studio::model::text::Text;
use lumina_studio::model::weights::checkpoint::{Safetensors, open_movq};
use lumina_studio::model::weights::{ModelError, Weights};
use lumina_studio::pixels::{Pixels, Size};
use lumina_studio::state::Store;
use lumina_studio::task::Device;
use lumina_studio::token::Grid;
use lumina_studio::{picture, saved_picture};
use mutate::{Dice, png_sums};
use serde_json::{Value, json};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const CASES: u64 = 300;
const LONGEST: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1 << 30;

/// Memory is counted for the whole program: one kind at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Hands each of `CASES` damaged files to `read`, which says whether it could be read: the undamaged one can.
fn survive(
    kind: &str,
    whole: &[u8],
    damaged: impl Fn(&mut Dice) -> Vec<u8>,
    read: impl Fn(&Path, &[u8]) -> bool,
) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = tempfile::tempdir().expect("a folder");
    assert!(read(folder.path(), whole), "{kind}: undamaged it is read");
    let mut faults = Vec::new();
    for case in 0..CASES {
        let seed = kind.bytes().fold(case, |seed, byte| {
            seed.wrapping_mul(257).wrapping_add(u64::from(byte))
        });
        let bytes = damaged(&mut Dice(seed));
        let name = format!("{kind} {case}");
        let begun = Instant::now();
        let mut ended = Ok(());
        let most = watched(&name, || {
            memory::most_during(|| {
                let read = catch_unwind(AssertUnwindSafe(|| read(folder.path(), &bytes)));
                ended = read.map(drop);
            })
        });
        if ended.is_err() {
            faults.push(format!("{name}: it panicked"));
        }
        if begun.elapsed() > LONGEST {
            faults.push(format!("{name}: it took {:?}", begun.elapsed()));
        }
        if most > MOST_BYTES {
            faults.push(format!("{name}: it held {} MB", most >> 20));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Ends the program where a case does not end: a thread cannot be stopped.
fn watched<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let (done, waits) = channel::<()>();
    let name = name.to_owned();
    let watch = std::thread::spawn(move || {
        if waits.recv_timeout(6 * LONGEST) == Err(RecvTimeoutError::Timeout) {
            // Past the test's own capture, which is lost with the program.
            let _ = writeln!(std::io::stderr(), "{name}: it does not end");
            std::process::abort();
        }
    });
    let made = work();
    drop(done);
    watch.join().expect("the watch");
    made
}

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).expect("text")
}

/// Everything that is asked of a picture.
fn read_picture(path: &Path) -> bool {
    let _ = picture::read(path);
    let _ = picture::read_mask(path);
    let _ = picture::holds_record(path);
    let _ = engine_room::info(path);
    if let Ok(kept) = saved_picture::read(path) {
        let _ = (kept.task(), kept.mask(), kept.source(), kept.to_json());
        let _ = (saved_picture::stopped(path, None), saved_picture::task_of(path));
    }
    picture::read(path).is_ok()
}

/// A picture whose noise leaves no two places alike.
fn sample(side: u32) -> image::RgbImage {
    image::RgbImage::from_fn(side, side, |x, y| {
        image::Rgb([((x * 7) ^ (y * 3)) as u8, (x * y) as u8, y as u8])
    })
}

fn encoded(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    sample(48).write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

#[test]
fn pictures_of_every_format() {
    for (kind, format) in [
        ("jpeg", image::ImageFormat::Jpeg),
        ("webp", image::ImageFormat::WebP),
    ] {
        let whole = encoded(format);
        let damaged = |dice: &mut Dice| mutate::bytes(dice, &whole);
        survive(kind, &whole, damaged, |folder, bytes| {
            let path = folder.join(format!("a.{kind}"));
            std::fs::write(&path, bytes).expect("a file");
            read_picture(&path)
        });
    }
    let whole = encoded(image::ImageFormat::Png);
    let damaged = |dice: &mut Dice| {
        let mut bytes = mutate::bytes(dice, &whole);
        if dice.below(3) > 0 {
            png_sums(&mut bytes);
        }
        bytes
    };
    survive("png", &whole, damaged, |folder, bytes| {
        let path = folder.join("a.png");
        std::fs::write(&path, bytes).expect("a file");
        read_picture(&path)
    });
}

/// The settings and codes inside of a picture that this program saved.
#[test]
fn records_in_pictures() {
    let settings = json!({"mode": {"kind": "edit"}, "prompt": "a cat", "size": {"width": 32, "height": 32},
        "sampling": {"cfg": 1.5, "top_k": 64, "temperature": 0.3}, "seed": 1, "noise": "gumbel", "lookahead": 2,
        "window": 2, "complete": false, "model": "starter", "feather": 3, "force": false, "as_typed": false,
        "forwards": 3, "drawn": 5, "seconds": 1.0, "source_sha256": "00", "mask": {"size": {"width": 32, "height": 32}, "runs": [[0, 500], [255, 524]]},
        "source_png": "89504e47"});
    let record =
        json!({"settings": settings, "grid": {"rows": 8, "columns": 4}, "tokens": vec![1; 16]}).to_string();
    survive(
        "record",
        record.as_bytes(),
        |dice| mutate::text(dice, &record),
        |folder, bytes| {
            let Ok(json) = serde_json::from_slice::<Value>(bytes) else {
                return false;
            };
            let grid = serde_json::from_value(json["grid"].clone()).unwrap_or(Grid { rows: 8, columns: 4 });
            let record = picture::Record {
                doubt: lumina_studio::task::Doubt::default(),
                settings: json["settings"].clone(),
                codes: serde_json::from_value(json["tokens"].clone()).unwrap_or_default(),
                grid,
                parameters: json["settings"]["prompt"].to_string(),
            };
            let path = folder.join("a.png");
            let pixels = Pixels::filled(Size::new(32, 32), [9; 3]);
            picture::write(&path, &pixels, &record).expect("a picture");
            read_picture(&path);
            saved_picture::read(&path).is_ok()
        },
    );
}

/// What is asked of a model before and while it is listed.
fn appraise(path: &Path) -> bool {
    let told = engine_room::info(path);
    LocalModels.appraise(path, Device::Cpu).is_ok() && told.is_ok()
}

#[test]
fn models_in_one_file() {
    let whole = file("assets/starter.gguf");
    // The header is what is read; damage to weights is damage to numbers.
    let header = 120_736;
    let damaged = |dice: &mut Dice| mutate::bytes(dice, &whole[..header]);
    survive("gguf", &whole[..header], damaged, |folder, bytes| {
        let path = folder.join("a.gguf");
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(bytes).expect("bytes");
        // Holes where the weights are.
        file.set_len(whole.len() as u64).expect("a length");
        // Loading takes longer: one in thirty.
        if bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>() % 30 == 0 {
            let source = ModelSource::found(Some(&path), Device::Cpu);
            let _ = LocalModels.open(&source).and_then(|make| make().map(|_| ()));
        }
        appraise(&path)
    });
}

#[test]
fn weights_in_safetensors() {
    let whole = file("tests/golden/decoder-gqa/model.safetensors");
    let length = u64::from_le_bytes(whole[..8].try_into().expect("8 bytes")) as usize;
    let header = String::from_utf8(whole[8..8 + length].to_vec()).expect("a header");
    let damaged = |dice: &mut Dice| {
        let header = mutate::text(dice, &header);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend(&whole[8 + length..8 + length + 4096]);
        if dice.below(4) == 0 {
            bytes = mutate::bytes(dice, &bytes);
        }
        bytes
    };
    let undamaged = [&whole[..8 + length], &whole[8 + length..8 + length + 4096]].concat();
    survive("safetensors", &undamaged, damaged, |folder, bytes| {
        let path = folder.join("model.safetensors");
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(bytes).expect("bytes");
        file.set_len(whole.len() as u64).expect("a length");
        read_all(&Safetensors::open(&path).map(|weights| Box::new(weights) as Box<dyn Weights>))
    });
}

fn read_all(weights: &Result<Box<dyn Weights>, ModelError>) -> bool {
    let Ok(weights) = weights else { return false };
    let _ = MovqConfig::infer(weights.as_ref(), "");
    for name in weights.names() {
        let shape = weights.shape(&name).unwrap_or_default();
        let _ = (
            weights.kind(&name),
            weights.stored(&name).is_ok(),
            weights.f32(&name, &shape).is_ok(),
        );
        if let Some(rows) = shape.first().filter(|rows| **rows > 0) {
            let _ = weights.rows(&name, rows - 1..*rows).is_ok();
        }
    }
    true
}

/// One entry of a pickled dictionary: a tensor of f32.
fn pickled(name: &str, key: &str, sides: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let tuple = |numbers: &[u8]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| [b'K', *number]).collect();
        [&b"("[..], &numbers, b"t"].concat()
    };
    let strides: Vec<u8> = (0..sides.len())
        .map(|axis| sides[axis + 1..].iter().product())
        .collect();
    [
        text(name),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(key),
        text("cpu"),
        b"M\0\x10tQK\0".to_vec(),
        tuple(sides),
        tuple(&strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ]
    .concat()
}

#[test]
fn pickled_checkpoints() {
    let tensors = [
        pickled("encoder.conv_in.weight", "0", &[32, 3, 2, 1]),
        pickled("encoder.down.0.block.0.conv1.weight", "1", &[32, 4, 2, 1]),
        pickled("quantize.embedding.weight", "2", &[100, 2]),
        pickled("quant_conv.weight", "3", &[4, 4, 1, 1]),
        pickled("decoder.conv_out.weight", "4", &[3, 32, 2, 1]),
        pickled("encoder.conv_in.bias", "5", &[32]),
    ];
    let start = [&b"\x80\x02}("[..], &tensors.concat(), b"u."].concat();
    let storage = vec![0u8; 65_536];
    let zipped = |pickle: &[u8]| {
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("archive/data.pkl", stored).expect("an entry");
        zip.write_all(pickle).expect("bytes");
        for key in 0..6 {
            zip.start_file(format!("archive/data/{key}"), stored)
                .expect("an entry");
            zip.write_all(&storage).expect("bytes");
        }
        zip.finish().expect("a zip").into_inner()
    };
    let damaged = |dice: &mut Dice| {
        let zip = zipped(&mutate::bytes(dice, &start));
        match dice.below(4) {
            0 => mutate::bytes(dice, &zip),
            _ => zip,
        }
    };
    survive("pickle", &zipped(&start), damaged, |folder, bytes| {
        let path = folder.join("a.ckpt");
        std::fs::write(&path, bytes).expect("a file");
        read_all(&open_movq(&path))
    });
}

#[test]
fn tokenizers() {
    let whole = text("tests/starter/tokenizer.json");
    let config = text("tests/starter/tokenizer_config.json");
    survive(
        "tokenizer",
        whole.as_bytes(),
        |dice| mutate::text(dice, &whole),
        |folder, bytes| {
            std::fs::write(folder.join("tokenizer.json"), bytes).expect("a file");
            std::fs::write(folder.join("tokenizer_config.json"), &config).expect("a file");
            let text = tokenizer_files(folder).and_then(|files| Text::new(&files));
            let Ok(text) = text else { return false };
            let ids = text.encode("a red fox, 128x128; e\u{301} \u{1f98a}\n\n  <|endoftext|>");
            let _ = text.decode(&[0, 5, 767, 768, u32::MAX]);
            ids.is_ok()
        },
    );
}

/// A folder with the starter's checkpoint, whose weights are holes.
fn checkpoint(folder: &Path) {
    let copy = |name: &str, from: &str| {
        if !folder.join(name).exists() {
            std::fs::write(folder.join(name), file(from)).expect("a file");
        }
    };
    for name in [
        "movqgan.ckpt",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "movq.json",
    ] {
        copy(name, &format!("tests/starter/{name}"));
    }
}

#[test]
fn configurations_and_cards() {
    let configuration = text("tests/starter/config.json");
    // Without its long list of names: what is damaged shall be what counts.
    let mut short: Value = serde_json::from_str(&configuration).expect("JSON");
    short.as_object_mut().expect("an object").remove("vocabulary_map");
    short["rope_scaling"] = json!({"type": "linear", "factor": 2.0});
    let short = short.to_string();
    survive(
        "config",
        short.as_bytes(),
        |dice| mutate::text(dice, &short),
        |folder, bytes| {
            checkpoint(folder);
            std::fs::write(folder.join("config.json"), bytes).expect("a file");
            appraise(folder)
        },
    );
    let sizes = text("tests/starter/movq.json");
    survive(
        "movq",
        sizes.as_bytes(),
        |dice| mutate::text(dice, &sizes),
        |folder, bytes| {
            checkpoint(folder);
            std::fs::write(folder.join("config.json"), &configuration).expect("a file");
            std::fs::write(folder.join("movq.json"), bytes).expect("a file");
            appraise(folder)
        },
    );
    let card = text("assets/cards/starter.json");
    survive(
        "card",
        card.as_bytes(),
        |dice| mutate::text(dice, &card),
        |folder, bytes| {
            checkpoint(folder);
            std::fs::write(folder.join("config.json"), &configuration).expect("a file");
            std::fs::write(folder.join("lumina.json"), bytes).expect("a file");
            appraise(folder)
        },
    );
}

#[test]
fn stored_states_and_journals() {
    let state = text("tests/cases/fuzz-state.json");
    let journal = text("tests/cases/fuzz-journal.jsonl");
    let (head, rows) = journal.split_once('\n').expect("a head");
    let load = |folder: &Path, state: &[u8], journal: &[u8]| {
        std::fs::write(folder.join("state.json"), state).expect("a file");
        std::fs::write(folder.join("journal.jsonl"), journal).expect("a file");
        std::fs::write(folder.join("journal.rgb"), vec![7; 4 * 192 * 8 * 3]).expect("a file");
        let mut store = Store::open(folder).expect("a folder");
        let studio = store.load();
        let _ = store.save(&studio);
        if let Some(run) = &studio.run {
            let _ = store.begin_again(run);
        }
        studio.run.is_some() || studio.queue.orders().next().is_some()
    };
    survive(
        "state",
        state.as_bytes(),
        |dice| mutate::text(dice, &state),
        |folder, bytes| load(folder, bytes, journal.as_bytes()),
    );
    let damaged = |dice: &mut Dice| match dice.below(3) {
        0 => mutate::bytes(dice, journal.as_bytes()),
        _ => {
            let mut bytes = mutate::text(dice, head);
            bytes.push(b'\n');
            bytes.extend(rows.as_bytes());
            bytes
        }
    };
    survive("journal", journal.as_bytes(), damaged, |folder, bytes| {
        load(folder, state.as_bytes(), bytes)
    });
}
