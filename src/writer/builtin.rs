//! The writer without a model: ordinary English as the starter reads it, as a scene and as a caption.

use super::Writer;
use super::ask::words;
use super::error::WriterError;
use crate::task::{Cancel, Rewritten, SceneObject, ScenePlan, WriterChoice, Written};
use crate::understand::{Understanding, Verdict, understand};
use std::time::Instant;

/// Writes from the starter's table of words.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

fn plan(understood: &Understanding) -> ScenePlan {
    let things = understood.things().into_iter();
    ScenePlan {
        objects: things
            .map(|thing| SceneObject {
                name: thing.name.to_owned(),
                count: thing.count as u32,
                colour: thing.colour.map(str::to_owned),
                place: thing.place.map(str::to_owned),
            })
            .collect(),
        background: understood.background().map(str::to_owned),
        style: None,
    }
}

impl Writer for BuiltIn {
    fn write(
        &mut self,
        own: &str,
        cancel: &Cancel,
        told: &mut dyn FnMut(&str),
    ) -> Result<Rewritten, WriterError> {
        let began = Instant::now();
        if cancel.is_cancelled() {
            return Err(WriterError::Cancelled);
        }
        let understood = understand(words(own)?);
        match understood.verdict {
            Verdict::Known | Verdict::Near => {}
            Verdict::Empty => return Err(WriterError::NoWords),
            Verdict::Outside { .. } | Verdict::Unnamed => return Err(WriterError::Outside),
        }
        let unknown: Vec<&str> = understood
            .unknown
            .iter()
            .map(|unknown| unknown.words.as_str())
            .collect();
        if !unknown.is_empty() {
            told(&format!(
                "left out, for the starter does not know it: {}",
                unknown.join(", ")
            ));
        }
        Ok(Rewritten {
            prompt: understood.caption.clone(),
            written: Written {
                own: own.to_owned(),
                by: WriterChoice::BuiltIn.title(),
                scene: Some(plan(&understood)),
            },
            repaired: false,
            seconds: began.elapsed().as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_english_becomes_a_scene_and_a_caption() {
        let mut said = Vec::new();
        let rewritten = BuiltIn.write("two puppies playing in the park", &Cancel::new(), &mut |line| {
            said.push(line.to_owned());
        });
        let rewritten = rewritten.unwrap();
        assert_eq!(rewritten.prompt, "two dogs in a meadow");
        assert_eq!(said, ["left out, for the starter does not know it: playing"]);
        let scene = rewritten.written.scene.unwrap();
        assert_eq!(
            (scene.objects[0].name.as_str(), scene.objects[0].count),
            ("dog", 2)
        );
        assert_eq!(scene.background.as_deref(), Some("meadow"));
        assert_eq!(rewritten.written.own, "two puppies playing in the park");
        // What it wrote it reads as it is.
        let again = BuiltIn
            .write(&rewritten.prompt, &Cancel::new(), &mut |_| {})
            .unwrap();
        assert_eq!(
            (again.prompt, again.written.scene.map(|scene| scene.objects.len())),
            (rewritten.prompt, Some(1))
        );
    }

    #[test]
    fn what_its_world_lacks_is_told() {
        let ask = |own: &str| BuiltIn.write(own, &Cancel::new(), &mut |_| {});
        assert_eq!(ask("a carburettor"), Err(WriterError::Outside));
        assert_eq!(ask("  "), Err(WriterError::NoWords));
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(
            BuiltIn.write("a dog", &cancel, &mut |_| {}),
            Err(WriterError::Cancelled)
        );
    }
}
