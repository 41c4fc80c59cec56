//! ComfyUI's graph: from the sampler back to the words, the seed and the size.
//!
//! A node is `{"class_type", "inputs"}`; an input is a value or a link `[node, slot]`. Graphs are
//! as people built them, so links are followed by the names inputs usually have, a bounded
//! number of them: a graph may have circles and branch in each.

use super::facts::{Foreign, number, size, words};
use crate::pixels::Size;
use serde_json::Value;

/// Links followed for one setting at most.
const MOST_LINKS: usize = 500;
/// Inputs that hold words, the fullest first.
const TEXTS: [&str; 8] = [
    "text",
    "text_g",
    "t5xxl",
    "prompt",
    "positive_prompt",
    "string",
    "value",
    "text_l",
];
/// Inputs through which a conditioning is passed on.
const PASSED: [&str; 6] = [
    "conditioning",
    "conditioning_1",
    "conditioning_to",
    "cond",
    "conditioning1",
    "base_positive",
];
const SEEDS: [&str; 5] = ["seed", "noise_seed", "value", "int", "noise"];

/// The settings of the first sampler that starts from an empty picture, else of any sampler.
pub(super) fn settings(graph: &Value) -> Option<Foreign> {
    let nodes = graph.as_object()?;
    let mut samplers: Vec<(&String, &Value)> = nodes.iter().filter(|(_, node)| is_sampler(node)).collect();
    // Ids are numbers in the order in which nodes were put there; sub-graphs have `4:2`.
    samplers.sort_by_key(|(id, _)| (id.parse().unwrap_or(u64::MAX), id.len()));
    let found = samplers.iter().map(|(_, sampler)| read(graph, sampler));
    found
        .filter(|found| !found.prompt.is_empty() || found.seed.is_some())
        .reduce(|first, other| {
            if first.size.is_none() && other.size.is_some() {
                other
            } else {
                first
            }
        })
}

fn is_sampler(node: &Value) -> bool {
    let inputs = &node["inputs"];
    let class = node["class_type"].as_str().unwrap_or_default();
    class.contains("Sampler") && (link(&inputs["positive"]).is_some() || link(&inputs["guider"]).is_some())
}

fn read(graph: &Value, sampler: &Value) -> Foreign {
    let inputs = &sampler["inputs"];
    // Newer samplers take the words through a guider.
    let guider = link(&inputs["guider"]).map(|(id, _)| &graph[id]["inputs"]);
    let side = |name: &str| guider.map_or(&inputs[name], |guider| &guider[name]);
    let wanted = match side("positive") {
        Value::Null => side("conditioning"),
        positive => positive,
    };
    Foreign {
        prompt: text(graph, wanted, &mut { MOST_LINKS }).unwrap_or_default(),
        negative: text(graph, side("negative"), &mut { MOST_LINKS }),
        seed: seed(graph, inputs, &mut { MOST_LINKS }),
        size: latent_size(graph, &inputs["latent_image"], &mut { MOST_LINKS }),
        program: "ComfyUI".to_owned(),
    }
}

/// A link's node and slot.
fn link(value: &Value) -> Option<(&str, u64)> {
    match value.as_array()?.as_slice() {
        [Value::String(node), slot] => Some((node, slot.as_u64()?)),
        _ => None,
    }
}

/// The words that a conditioning (or a text input) comes from.
fn text(graph: &Value, input: &Value, links: &mut usize) -> Option<String> {
    if let Some(text) = words(input) {
        return Some(text);
    }
    let (node, slot) = link(input)?;
    *links = links.checked_sub(1)?;
    let inputs = &graph[node]["inputs"];
    let here = TEXTS.iter().find_map(|name| text(graph, &inputs[*name], links));
    // A node that passes both sides on, such as a ControlNet, has them in this order.
    let side = if slot == 1 { "negative" } else { "positive" };
    here.or_else(|| PASSED.iter().find_map(|name| text(graph, &inputs[*name], links)))
        .or_else(|| text(graph, &inputs[side], links))
}

fn seed(graph: &Value, inputs: &Value, links: &mut usize) -> Option<u64> {
    *links = links.checked_sub(1)?;
    SEEDS.iter().find_map(|name| {
        let input = &inputs[*name];
        number(input).or_else(|| {
            let (node, _) = link(input)?;
            seed(graph, &graph[node]["inputs"], links)
        })
    })
}

/// The size of the empty picture that a latent comes from.
fn latent_size(graph: &Value, input: &Value, links: &mut usize) -> Option<Size> {
    let (node, _) = link(input)?;
    *links = links.checked_sub(1)?;
    let inputs = &graph[node]["inputs"];
    if graph[node]["class_type"].as_str()?.starts_with("Empty") {
        return size(&side(graph, &inputs["width"]), &side(graph, &inputs["height"]));
    }
    ["latent_image", "samples", "latent"]
        .iter()
        .find_map(|name| latent_size(graph, &inputs[*name], links))
}

/// A side of a picture may come from a node of its own.
fn side(graph: &Value, input: &Value) -> Value {
    let node = link(input).map(|(node, _)| &graph[node]["inputs"]);
    let named = ["value", "int", "width", "height"].iter();
    let held = node.and_then(|inputs| named.clone().find_map(|name| number(&inputs[*name])));
    held.map_or_else(|| input.clone(), Value::from)
}
