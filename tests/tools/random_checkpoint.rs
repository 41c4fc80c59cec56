//! Writes a checkpoint of the published 7B's shape and vocabulary with random weights, to measure
//! import, memory and speed without the real one:
//!
//!     cargo run --release --example random-checkpoint -- FOLDER [LAYERS]
//!
//! 32 layers take 13.5 GB of disk.

use anyhow::{Context, Result};
use candle_core::Device;
use lumina_studio::model::decoder::config::Config;
use lumina_studio::model::movq::{Movq, MovqConfig};
use lumina_studio::model::weights::random_weights::{self, Invented};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Sizes of movqgan_270M.
const MOVQ: &str = r#"{"ddconfig": {"double_z": false, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3,
    "ch": 256, "ch_mult": [1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [32], "dropout": 0.0},
    "n_embed": 16384, "embed_dim": 4}"#;

fn write_tensors(path: &Path, tensors: &[(String, Vec<usize>)]) -> Result<()> {
    let mut header = Map::new();
    let mut at = 0;
    for (name, shape) in tensors {
        let end = at + 2 * shape.iter().product::<usize>();
        header.insert(
            name.clone(),
            json!({"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}),
        );
        at = end;
    }
    let header = Value::Object(header).to_string();
    let mut file = BufWriter::with_capacity(1 << 22, File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (name, shape) in tensors {
        let count: usize = shape.iter().product();
        for from in (0..count).step_by(1 << 22) {
            let values = random_weights::values(name, shape, from, (count - from).min(1 << 22));
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
    }
    Ok(file.flush()?)
}

/// The starter's words with the special tokens where the 7B has them.
fn tokenizer() -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter/tokenizer.json");
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut added = vec![
        ("<racm3:break>".to_owned(), 151_665),
        ("<eoss>".to_owned(), 151_666),
        ("<|endoftext|>".to_owned(), 151_643),
    ];
    for index in 8700..9000 {
        let id = if index == 8799 {
            151_670
        } else {
            151_671 + index - 8700
        };
        added.push((format!("<reserved{index:05}>"), id));
    }
    json["added_tokens"] = added
        .into_iter()
        .map(|(content, id)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        })
        .collect();
    Ok(json)
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("name a folder")?);
    let layers: usize = args
        .next()
        .map_or(Ok(32), |text| text.parse())
        .context("the number of layers")?;
    std::fs::create_dir_all(&folder)?;
    let config = json!({
        "model_type": "chameleon", "vocab_size": 171_385, "hidden_size": 4096, "intermediate_size": 11_008,
        "num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 32, "hidden_act": "silu",
        "max_position_embeddings": 10_240, "rms_norm_eps": 1e-5, "rope_theta": 10_000.0, "attention_bias": false,
        "mlp_bias": false, "model_parallel_size": 1, "swin_norm": false, "tie_word_embeddings": false
    });
    std::fs::write(folder.join("config.json"), config.to_string())?;
    std::fs::write(folder.join("tokenizer.json"), tokenizer()?.to_string())?;
    std::fs::write(
        folder.join("tokenizer_config.json"),
        r#"{"bos_token": null, "eos_token": "<|endoftext|>"}"#,
    )?;
    let shapes = Invented::default();
    Movq::load(&shapes, "", &MovqConfig::from_json(MOVQ)?, &Device::Cpu)?;
    let image: Vec<(String, Vec<usize>)> = shapes.asked().into_iter().collect();
    write_tensors(&folder.join("movqgan.safetensors"), &image)?;
    write_tensors(
        &folder.join("model.safetensors"),
        &Config::from_json(&config.to_string())?.tensors(),
    )?;
    println!("{}", folder.display());
    Ok(())
}
