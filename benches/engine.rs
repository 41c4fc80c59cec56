//! How fast this machine draws: `cargo bench --bench engine`.
//!
//! Four tables in Markdown: what understanding a prompt costs, one forward of a stack of two layers of the 7B's shape with random
//! weights (a whole 7B has 32 of them), one picture decoded by the image tokenizer, and whole
//! pictures of the starter model by lookahead. Median of several runs each.

use candle_core::Device;
use lumina_studio::decode::Feed;
use lumina_studio::model::bundle::{Bundle, Source};
use lumina_studio::model::decoder::config::Config;
use lumina_studio::model::decoder::parts::Head;
use lumina_studio::model::movq::{Movq, MovqConfig};
use lumina_studio::model::network::{Hardware, Network};
use lumina_studio::model::weights::random_weights::Invented;
use lumina_studio::session::Session;
use lumina_studio::task::{Cancel, Engine, Format, Lookahead, Mode, Progress, Task};
use lumina_studio::token::Grid;
use lumina_studio::understand::{complete, understand};
use std::hint::black_box;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const LAYERS: usize = 2;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn stack(quant: Format) -> Outcome<Network> {
    let config = Config::from_json(&format!(
        r#"{{"vocab_size": 16384, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": {LAYERS},
            "num_attention_heads": 32, "max_position_embeddings": 10240}}"#
    ))?;
    let weights = Invented::default();
    Ok(Network::load(
        &weights,
        &config,
        &Head::Codes(0..16_384),
        Some(quant),
        &Hardware::Cpu,
    )?)
}

fn forwards() -> Outcome<()> {
    println!("| format | context | 2 rows | 8 rows | 16 rows | 32 rows |\n|---|---|---|---|---|---|");
    for quant in [Format::Q4K, Format::Q8_0] {
        let network = stack(quant)?;
        for context in [0, 1024, 9216] {
            let mut predictor = network.predictor(2, context + 16)?;
            let mut scores = Vec::new();
            let mut cells = Vec::new();
            for rows in [2, 8, 16, 32] {
                let tokens = vec![7; rows / 2];
                // What stands before is zero: it costs as much as anything else.
                let feed = |lane| Feed {
                    lane,
                    at: context,
                    tokens: &tokens,
                    scores_from: tokens.len(),
                };
                let mut times = Vec::new();
                for _ in 0..5 {
                    let began = Instant::now();
                    predictor.predict(&[feed(0), feed(1)], &mut scores)?;
                    times.push(began.elapsed().as_secs_f64());
                }
                cells.push(format!("{:.1} ms", 1e3 * median(times)));
            }
            println!("| {} | {context} | {} |", quant.name(), cells.join(" | "));
        }
    }
    Ok(())
}

fn image_tokenizer(model: &Bundle) -> Outcome<()> {
    println!("\n| image tokenizer | picture | decode |\n|---|---|---|");
    let grid = Grid {
        rows: 16,
        columns: 16,
    };
    let codes: Vec<u32> = (0..256).collect();
    let mut times = Vec::new();
    for _ in 0..7 {
        let began = Instant::now();
        model.movq.decode(&codes, grid)?;
        times.push(began.elapsed().as_secs_f64());
    }
    println!("| starter (ch 32) | 128x128 | {:.1} ms |", 1e3 * median(times));
    let config = MovqConfig::from_json(
        r#"{"ddconfig": {"z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 256,
            "ch_mult": [1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [32]}, "n_embed": 16384, "embed_dim": 4}"#,
    )?;
    let large = Movq::load(&Invented::default(), "", &config, &Device::Cpu)?;
    let grid = Grid {
        rows: 32,
        columns: 32,
    };
    let codes: Vec<u32> = (0..1024).collect();
    let began = Instant::now();
    large.decode(&codes, grid)?;
    println!(
        "| 270M (ch 256), random weights | 256x256 | {:.1} s |",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn pictures(session: &mut Session) -> Outcome<()> {
    println!("\n| window | forwards | codes a forward | first row | codes | picture | against window 1 |");
    println!("|---|---|---|---|---|---|---|");
    let mut plain = 0.0;
    for lookahead in [1, 2, 4, 8, 16] {
        let (mut whole, mut first_rows, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut forwards, mut tokens) = (0, 0);
        for seed in 0..9 {
            let mut task = Task::new(Mode::Generate, "a cat on a blue background");
            (task.sampling.lookahead, task.seed) = (Lookahead::Fixed(lookahead), seed);
            let began = Instant::now();
            let (mut first, mut done) = (None, 0.0);
            let mut watch = |progress: Progress| match progress {
                Progress::Row { .. } => {
                    first.get_or_insert(began.elapsed().as_secs_f64());
                }
                Progress::Decoding => done = began.elapsed().as_secs_f64(),
                _ => {}
            };
            let pictures = session.run(&task, &Cancel::new(), &mut watch);
            let pictures = pictures.map_err(|stop| format!("{stop:?}"))?;
            whole.push(began.elapsed().as_secs_f64());
            first_rows.push(first.unwrap_or_default());
            codes.push(done);
            forwards += pictures[0].tally.forwards;
            tokens += pictures[0].tally.tokens;
        }
        let codes = median(codes);
        if lookahead == 1 {
            plain = codes;
        }
        println!(
            "| {lookahead} | {} | {:.2} | {:.0} ms | {:.0} ms | {:.0} ms | {:.2}x |",
            forwards / 9,
            tokens as f64 / forwards as f64,
            1e3 * median(first_rows),
            1e3 * codes,
            1e3 * median(whole),
            plain / codes
        );
    }
    Ok(())
}

/// What a key stroke costs: the prompt is understood anew and its last word completed.
fn prompts() {
    let began = Instant::now();
    understand("a");
    let first = began.elapsed().as_secs_f64();
    println!("| prompt of so many characters | understood | completed |\n|---|---|---|");
    for times in [1, 6, 40] {
        let text = "a cute blu puppy playng wth a bal in the prak, ".repeat(times) + "a re";
        let time = |work: &dyn Fn()| {
            let seconds = (0..25).map(|_| {
                let began = Instant::now();
                work();
                began.elapsed().as_secs_f64()
            });
            1e3 * median(seconds.collect())
        };
        let understood = time(&|| drop(black_box(understand(&text))));
        let completed = time(&|| drop(black_box(complete(&text, 5))));
        println!("| {} | {understood:.3} ms | {completed:.3} ms |", text.len());
    }
    println!("\nThe table of words is read in {:.1} ms.\n", 1e3 * first);
}

fn main() -> Outcome<()> {
    // `cargo test --benches` only builds this.
    if std::env::args().any(|arg| arg == "--test") {
        return Ok(());
    }
    prompts();
    forwards()?;
    let began = Instant::now();
    let model = Bundle::open(&Source::default())?;
    let loaded = began.elapsed().as_secs_f64();
    image_tokenizer(&model)?;
    println!("\nThe starter model loads in {:.0} ms.", 1e3 * loaded);
    pictures(&mut Session::new(model))
}
