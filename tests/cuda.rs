//! The CUDA path without a card: the program's own code, down to its calls into the driver, against a
//! driver that runs the kernels' sources on the CPU (`tests/cuda`).
//!
//! Each test runs in a process of its own that finds that driver first. Where there is no C++ compiler,
//! the tests say that they were left out.

mod emulator;

use candle_core::quantized::QTensor;
use emulator::on_the_emulator;
use lumina_studio::decode::{Ahead, Ask, Feed, Measures, NoiseKey, Predictor, Recent, Wish, choose_on_host};
use lumina_studio::measure::{Shape, Subject, measure};
use lumina_studio::model::decoder::config::Config;
use lumina_studio::model::decoder::parts::Head;
use lumina_studio::model::network::{Hardware, Network};
use lumina_studio::model::weights::checkpoint::Safetensors;
use lumina_studio::model::weights::import::import;
use lumina_studio::model::weights::{ModelError, Stored, Weights};
use lumina_studio::pixels::Size;
use lumina_studio::task::{Cancel, Device, Format, ImportWish, KvCache, Sampling};
use lumina_studio::verify::verify;
use sha2::Digest;
use std::io::Read;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The golden decoder's vocabulary plays the picture codes.
fn golden(name: &str, kv: KvCache) -> Network {
    let folder = root().join("tests/golden").join(name);
    let config = std::fs::read_to_string(folder.join("config.json")).expect("a configuration");
    let config = Config::from_json(&config).expect("a configuration");
    let weights = Safetensors::open(&folder.join("model.safetensors")).expect("weights");
    let hardware = Hardware::open(Device::Cuda, kv).expect("the emulated card");
    Network::load(&weights, &config, &Head::Full, None, &hardware).expect("a decoder")
}

fn tokens(count: usize, salt: u32) -> Vec<u32> {
    (0..count as u32)
        .map(|i| (i * i * 31 + i * 7 + salt) % 512)
        .collect()
}

fn feed(lane: usize, at: usize, tokens: &[u32], scored: usize) -> Feed<'_> {
    Feed {
        lane,
        at,
        tokens,
        scores_from: tokens.len() - scored,
    }
}

fn scores(predictor: &mut dyn Predictor, feeds: &[Feed<'_>]) -> Vec<f32> {
    let mut scores = Vec::new();
    predictor.predict(feeds, &mut scores).expect("scores");
    scores
}

/// Whatever is computed beside it, a row comes out the same bits: that makes a seed one picture for
/// every lookahead.
#[test]
fn rows_are_the_same_bits_in_every_batch() {
    on_the_emulator("rows_are_the_same_bits_in_every_batch", || {
        for (name, kv) in [("decoder-mha", KvCache::Bytes), ("decoder-gqa", KvCache::Half)] {
            let network = golden(name, kv);
            let (a, b) = (tokens(40, 3), tokens(23, 11));
            let mut plain = network.predictor(2, 64).expect("lanes");
            let mut one_by_one = Vec::new();
            for at in 0..a.len() {
                one_by_one.extend(scores(plain.as_mut(), &[feed(0, at, &a[at..=at], 1)]));
            }
            for step in [2, 5, 16] {
                let mut other = network.predictor(4, 64).expect("lanes");
                let mut found = Vec::new();
                for at in (0..a.len()).step_by(step) {
                    let end = (at + step).min(a.len());
                    // Another lane takes part, which has rows of its own; then wrong guesses come, which are
                    // written over.
                    let beside = &b[..b.len().min(end)];
                    let all = scores(
                        other.as_mut(),
                        &[feed(2, at, &a[at..end], end - at), feed(1, 0, beside, 0)],
                    );
                    found.extend(all);
                    let wrong = tokens(7, 100);
                    scores(other.as_mut(), &[feed(2, end, &wrong, 0)]);
                }
                assert!(found == one_by_one, "{name}: steps of {step}");
            }
            // A fork goes on as its origin does.
            plain.fork(0, 1, 40).expect("a fork");
            let next = tokens(9, 5);
            let both = scores(plain.as_mut(), &[feed(0, 40, &next, 9), feed(1, 40, &next, 9)]);
            assert!(both[..both.len() / 2] == both[both.len() / 2..], "{name}: fork");
        }
    });
}

/// What the card chooses is what is chosen from its scores here.
#[test]
fn choices_on_the_card_are_those_of_the_host() {
    on_the_emulator("choices_on_the_card_are_those_of_the_host", || {
        let network = golden("decoder-mha", KvCache::Bytes);
        let codes = 512;
        let samplings = [
            (4.0, 512, 1.0, None),
            (4.0, 40, 0.7, None),
            (1.0, 3, 1.3, None),
            (0.0, 100, 1.0, Some(1.0)),
            (2.5, 1, 1.0, None),
            (3.0, 4096, 0.3, Some(2.0)),
        ];
        for (turn, (cfg, top_k, temperature, top_n_sigma)) in samplings.into_iter().enumerate() {
            let sampling = Sampling {
                cfg,
                top_k,
                temperature,
                top_n_sigma,
            };
            let mut predictor = network.predictor(4, 64).expect("lanes");
            let (mut mine, mut theirs) = (Recent::default(), Recent::default());
            let (prompt, picture) = (tokens(20, 9), tokens(24, turn as u32));
            // Two candidates of both branches: a beginning, then 5 codes ahead.
            for (step, range) in [0..4, 4..9, 6..11, 11..16].into_iter().enumerate() {
                let scored = if step == 0 { 1 } else { range.len() };
                let begins = [&prompt[..], &picture[..4]].concat();
                let feeds: Vec<Feed<'_>> = (0..2)
                    .flat_map(|candidate| {
                        let conditional = match step {
                            0 => feed(2 * candidate, 0, &begins, scored),
                            _ => feed(2 * candidate, 20 + range.start, &picture[range.clone()], scored),
                        };
                        [
                            conditional,
                            feed(2 * candidate + 1, range.start, &picture[range.clone()], scored),
                        ]
                    })
                    .collect();
                let noise = |candidate: usize, at: usize| NoiseKey::new(7 + candidate as u64, at as u64);
                let last = range.end;
                let mut asks = Vec::new();
                let mut ahead = Vec::new();
                for candidate in 0..2 {
                    for row in 0..scored {
                        let position = last - scored + 1 + row;
                        asks.push(Ask {
                            candidate,
                            position,
                            noise: noise(candidate, position),
                            c: 2 * candidate * scored + row,
                            u: (cfg != 1.0).then_some((2 * candidate + 1) * scored + row),
                        });
                    }
                    ahead.extend((1..4).map(|further| Ahead {
                        candidate,
                        noise: noise(candidate, last + further),
                        left: last,
                        above: (last + further).checked_sub(7),
                    }));
                }
                let wish = Wish {
                    sampling: &sampling,
                    asks: &asks,
                    ahead: &ahead,
                    reach: 12,
                    measures: Measures {
                        log_u: true,
                        entropy: true,
                    },
                };
                let chosen = predictor.choose(&feeds, &wish, &mut mine).expect("choices");
                let wanted = choose_on_host(predictor.as_mut(), &feeds, &wish, &mut theirs).expect("choices");
                assert_eq!(chosen.choices.len(), asks.len());
                for (found, wanted) in chosen.choices.iter().zip(&wanted.choices) {
                    assert_eq!(found.code, wanted.code, "sampling {turn}, step {step}");
                    assert!((found.code as usize) < codes);
                    assert!((found.log_c - wanted.log_c).abs() < 1e-4);
                    // Told by a card also where there is one branch.
                    let wanted_u = wanted.log_u.unwrap_or(wanted.log_c);
                    assert!((found.log_u.expect("told") - wanted_u).abs() < 1e-4);
                    let (found, wanted) = (found.entropy.expect("told"), wanted.entropy.expect("asked for"));
                    assert!((found - wanted).abs() < 1e-4, "entropy {found} for {wanted}");
                }
                assert_eq!(chosen.guesses, wanted.guesses, "sampling {turn}, step {step}");
            }
        }
    });
}

/// A checkpoint whose matrices were brought to a format and back to f32.
struct Rounded<'a>(&'a Safetensors, Format);

impl Weights for Rounded<'_> {
    fn source(&self) -> String {
        self.0.source()
    }
    fn names(&self) -> Vec<String> {
        self.0.names()
    }
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.shape(name)
    }
    fn stored(&self, name: &str) -> Result<Stored, ModelError> {
        let shape = self.shape(name).unwrap_or_default();
        let wide = self.0.f32(name, &shape)?;
        if !name.contains("_proj.") && !name.starts_with("lm_head.") {
            return Ok(Stored::Plain(wide));
        }
        let format = self.1.fitting(shape[1]).ggml();
        let blocks = QTensor::quantize(&wide, format)?;
        Ok(Stored::Plain(blocks.dequantize(&candle_core::Device::Cpu)?))
    }
}

/// Weights of 4 and 8 bits mean on the card what their format means.
#[test]
fn quantised_weights_mean_the_same_on_the_card() {
    on_the_emulator("quantised_weights_mean_the_same_on_the_card", || {
        let folder = root().join("tests/starter");
        let config = std::fs::read_to_string(folder.join("config.json")).expect("a configuration");
        let config = Config::from_json(&config).expect("a configuration");
        let weights = Safetensors::open(&folder).expect("weights");
        let card = Hardware::open(Device::Cuda, KvCache::Half).expect("the emulated card");
        let tokens: Vec<u32> = (0..24).map(|i| 768 + i * 37 % 1024).collect();
        let scores = |weights: &dyn Weights, quant, hardware: &Hardware| {
            let head = Head::Codes(768..1792);
            let network = Network::load(weights, &config, &head, quant, hardware).expect("a decoder");
            let mut predictor = network.predictor(1, 32).expect("a lane");
            scores(predictor.as_mut(), &[feed(0, 0, &tokens, tokens.len())])
        };
        let far = |a: &[f32], b: &[f32]| {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
            sum / a.len() as f32
        };
        let exact = scores(&weights, None, &Hardware::Cpu);
        for (quant, least) in [(Format::F16, 0.0), (Format::Q8_0, 0.01), (Format::Q4K, 0.1)] {
            let meant = scores(&Rounded(&weights, quant), None, &Hardware::Cpu);
            let found = scores(&weights, Some(quant), &card);
            let (apart, cost) = (far(&meant, &found), far(&meant, &exact));
            println!(
                "{}: {apart} from what is meant, which is {cost} from f32",
                quant.name()
            );
            assert!(apart < 0.01 && cost >= least, "{}: {apart}", quant.name());
        }
    });
}

/// Convolutions, norms and attention against plain sums in f64, on odd shapes, with memory that ends where
/// nobody may touch: `tests/cuda/movq_check.cpp` prints every error beside its bound.
#[test]
fn kernels_of_the_image_tokenizer_are_exact() {
    let folder = match emulator::movq_check() {
        emulator::Emulated::Driver(folder) => folder,
        emulator::Emulated::LeftOut(why) => return println!("left out: {why}"),
    };
    let checked = std::process::Command::new(folder.join("check"))
        .output()
        .expect("the check");
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{told}");
    assert!(told.lines().count() > 40, "{told}");
}

/// The PTX in the program was made of the sources that the emulator runs.
#[test]
fn the_ptx_belongs_to_its_sources() {
    let folder = root().join("shaders/cuda");
    let script = std::fs::read_to_string(folder.join("ptx.py")).expect("the script");
    let between = |from: &str, to: &str| {
        let start = script.find(from).expect("a list") + from.len();
        script[start..start + script[start..].find(to).expect("its end")].to_owned()
    };
    let quoted = |text: &str| -> Vec<String> {
        let parts = text.split('\'').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let headers = quoted(&between("HEADERS = [", "]"));
    let options = quoted(&between("OPTIONS = [", "]"));
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a source");
    let mut checked = 0;
    for line in between("MODULES = {", "\n}")
        .lines()
        .filter(|line| line.contains(':'))
    {
        let words = quoted(line);
        let (module, source, definitions) = (&words[0], &words[1], &words[2..]);
        let mut parts = vec![read(source)];
        parts.extend(headers.iter().map(|name| read(name)));
        parts.push([definitions, &options].concat().join(" ").into_bytes());
        let hash = sha2::Sha256::digest(parts.join(&0));
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        for architecture in ["sm80", "sm90"] {
            let packed = read(&format!("{module}.{architecture}.ptx.gz"));
            let mut ptx = String::new();
            let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
            unpacked.read_to_string(&mut ptx).expect("PTX");
            let head = ptx.lines().next().unwrap_or_default();
            assert!(
                head.ends_with(&hash),
                "{module}.{architecture} was made of another {source}: run shaders/cuda/ptx.py"
            );
            checked += 1;
        }
    }
    let files = std::fs::read_dir(&folder).expect("a folder").flatten();
    let all = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "gz"));
    assert_eq!(checked, all.count());
}

/// The measurements a user can post run through on a shape small enough for the emulator.
#[test]
fn a_shape_is_measured() {
    on_the_emulator("a_shape_is_measured", || {
        let shape = Shape {
            name: "toy",
            hidden: 256,
            between: 320,
            heads: 2,
            layers: 2,
            codes: 1040,
            contexts: [16, 32, 64, 100],
            channels: 32,
            multiples: [1, 1, 2, 2],
            tries: 1,
            size: Size::new(32, 32),
        };
        for quant in [Format::Q4K, Format::F16] {
            let subject = Subject {
                shape,
                quant,
                device: Device::Cuda,
                kv: KvCache::Bytes,
            };
            let mut lines = Vec::new();
            measure(&subject, &mut |line| lines.push(line.to_owned())).expect("measurements");
            let all = lines.join("\n");
            assert!(all.contains("Emulated card") && all.contains("| 32 |"), "{all}");
            assert!(
                all.contains("first row of a 32x32 picture") && all.contains("codes to pixels"),
                "{all}"
            );
        }
    });
}

/// The golden folders, through the path of the card: the decoders whole, the image tokenizer's smallest
/// picture, the first codes of each of the starter's.
#[test]
fn golden_vectors_hold_on_the_card() {
    on_the_emulator("golden_vectors_hold_on_the_card", || {
        let golden = root().join("tests/golden");
        let folder = tempfile::tempdir().expect("a folder");
        let movq = folder.path().join("movq");
        copy(&golden.join("movq"), &movq);
        keep_one_picture(&movq);
        let generate = folder.path().join("generate");
        copy(&golden.join("generate"), &generate);
        keep_first_codes(&generate, 10);
        let cases = [
            (golden.join("decoder-mha"), KvCache::Bytes),
            (golden.join("decoder-gqa"), KvCache::Bytes),
            (golden.join("decoder-mha"), KvCache::Half),
            (golden.join("decoder-gqa"), KvCache::Half),
            (movq, KvCache::Bytes),
            (generate, KvCache::Bytes),
        ];
        for (case, kv) in cases {
            let verdicts = verify(&case, None, Device::Cuda, kv).expect("verdicts");
            assert!(!verdicts.is_empty());
            for verdict in verdicts {
                println!("{}", verdict.line);
                assert!(verdict.passed, "{}", verdict.line);
            }
        }
    });
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// Of the image tokenizer's three pictures the one of 160x96.
fn keep_one_picture(folder: &Path) {
    let file = folder.join("expected.safetensors");
    let all = candle_core::safetensors::load(&file, &candle_core::Device::Cpu).expect("vectors");
    let kept: std::collections::HashMap<String, candle_core::Tensor> = all
        .into_iter()
        .filter_map(|(name, tensor)| Some((format!("{}_0", name.strip_suffix("_1")?), tensor)))
        .collect();
    candle_core::safetensors::save(&kept, &file).expect("vectors");
}

/// Two of the starter's cases with as many drawn codes, and the starter.
fn keep_first_codes(folder: &Path, count: usize) {
    let file = folder.join("cases.json");
    let text = std::fs::read_to_string(&file).expect("cases");
    let mut cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("cases");
    // One without a panel, one with guidance and a panel.
    cases.retain(|case| case["name"] == "t2i_cat" || case["name"] == "subject");
    for case in &mut cases {
        case["expected_ids"].as_array_mut().expect("ids").truncate(count);
        case["picture"] = serde_json::Value::Null;
    }
    std::fs::write(&file, serde_json::to_string(&cases).expect("cases")).expect("cases");
    // As one file, which holds the colours of codes: to find them anew takes the emulator a minute.
    let starter = root().join("tests/starter");
    let wish = ImportWish {
        movq: Some(starter.join("movqgan.ckpt")),
        folder: starter,
        movq_config: None,
        format: Format::F32,
        output: folder.join("starter.gguf"),
    };
    import(&wish, &mut |_| (), &Cancel::new()).expect("a model");
    let file = folder.join("case.json");
    let text = std::fs::read_to_string(&file).expect("a case");
    let mut case: serde_json::Value = serde_json::from_str(&text).expect("a case");
    case["checkpoint"] = "starter.gguf".into();
    std::fs::write(&file, case.to_string()).expect("a case");
}
