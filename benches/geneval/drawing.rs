//! Prompts drawn by a model, through the library as the window does it.

use super::prompts::Prompt;
use super::settings::Settings;
use super::world::{Scene, World};
use lumina_studio::model::bundle::{Bundle, Source};
use lumina_studio::pixels::{Pixels, Size};
use lumina_studio::session::Session;
use lumina_studio::task::{
    Cancel, Engine, Fault, MapKind, Mode, Progress, Reading, Stop, Tally, Task, Wording,
};
use lumina_studio::token::Grid;
use std::sync::Arc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What became of a prompt.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub picture: Option<Pixels>,
    /// The picture or map that was given.
    pub given: Option<Pixels>,
    /// The map that should have been drawn.
    pub truth: Option<Pixels>,
    /// Whether the model was made for it at all.
    pub trained: bool,
    pub tally: Tally,
    /// Why nothing was drawn.
    pub refused: Option<String>,
    /// What the model was given, where that is not the prompt.
    pub reading: Option<Reading>,
}

impl Drawn {
    pub fn of(picture: Pixels) -> Self {
        Self {
            picture: Some(picture),
            given: None,
            truth: None,
            trained: true,
            tally: Tally::default(),
            refused: None,
            reading: None,
        }
    }
}

/// A model that draws prompts.
pub struct Artist {
    session: Session,
}

fn map_of(world: &World, scene: &Scene, kind: MapKind, size: Size) -> Pixels {
    match kind {
        MapKind::Depth => world.depth(scene, size),
        _ => super::judge::canny(&world.render(scene, size)),
    }
}

impl Artist {
    pub fn open(settings: &Settings) -> Outcome<Self> {
        let source = Source {
            model: settings.model.clone(),
            movq: settings.movq.clone(),
            quant: settings.quant,
            ..Source::default()
        };
        Ok(Self {
            session: Session::new(Bundle::open(&source)?),
        })
    }

    pub fn name(&self) -> String {
        self.session.model().card.name.clone()
    }

    /// A picture as the model's codec brings it back.
    pub fn round_trip(&self, picture: &Pixels) -> Outcome<Pixels> {
        let model = self.session.model();
        let codes = model.movq.encode(picture)?;
        Ok(model.movq.decode(&codes, Grid::of(picture.size())?)?)
    }

    fn mode(prompt: &Prompt) -> Outcome<Mode> {
        let map = match prompt.map.as_deref() {
            Some("depth") => MapKind::Depth,
            _ => MapKind::Canny,
        };
        Ok(match prompt.task.as_str() {
            "generate" => Mode::Generate,
            "control" => Mode::Control { map },
            "predict" => Mode::Predict { map },
            "subject" => Mode::Subject { describe: None },
            "edit" => Mode::Edit,
            other => return Err(format!("the prompts name a task `{other}` that is not known").into()),
        })
    }

    pub fn draw(&mut self, prompt: &Prompt, world: &World, settings: &Settings, seed: u64) -> Outcome<Drawn> {
        let mode = Self::mode(prompt)?;
        let card = &self.session.model().card;
        let own = card.default_size(mode.name());
        let size = settings.size.or(own).unwrap_or(Size::new(256, 256));
        let map = mode.map();
        let mut drawn = Drawn {
            picture: None,
            given: None,
            truth: None,
            trained: card.refusal(mode.name(), map.map(MapKind::name), size).is_none(),
            tally: Tally::default(),
            refused: None,
            reading: None,
        };
        if !drawn.trained {
            return Ok(drawn);
        }
        if let Some(before) = &prompt.before {
            drawn.given = Some(match (&mode, map) {
                (Mode::Control { .. }, Some(kind)) => map_of(world, before, kind, size),
                _ => world.render(before, size),
            });
            if let (Mode::Predict { .. }, Some(kind)) = (&mode, map) {
                drawn.truth = Some(map_of(world, before, kind, size));
            }
        }
        let mut task = Task::new(mode, prompt.text.clone());
        task.size = Some(size);
        if settings.as_typed {
            task.wording = Wording::AsTyped;
        }
        task.sampling = settings.sampling();
        (task.seed, task.candidates) = (seed, settings.best_of.max(1));
        task.source = drawn.given.clone().map(Arc::new);
        self.run(&task, &mut drawn)?;
        if let (Some(then), Some(picture)) = (&prompt.then, drawn.picture.clone()) {
            task.prompt.clone_from(&then.text);
            task.source = Some(Arc::new(picture));
            self.run(&task, &mut drawn)?;
        }
        Ok(drawn)
    }

    fn run(&mut self, task: &Task, drawn: &mut Drawn) -> Outcome<()> {
        let mut told = |progress| {
            if let Progress::Started { reading, .. } = progress {
                drawn.reading = reading;
            }
        };
        let pictures = match self.session.run(task, &Cancel::new(), &mut told) {
            Ok(pictures) => pictures,
            Err(Stop::Failed(failure)) if failure.fault == Fault::Usage => {
                drawn.refused = Some(failure.message);
                return Ok(());
            }
            Err(Stop::Failed(failure)) => return Err(failure.message.into()),
            Err(Stop::Cancelled(_)) => return Err("a task was cancelled".into()),
        };
        let best = pictures.into_iter().next().ok_or("the model drew nothing")?;
        drawn.tally.tokens += best.tally.tokens;
        drawn.tally.forwards += best.tally.forwards;
        drawn.tally.seconds += best.tally.seconds;
        drawn.picture = best.pixels;
        Ok(())
    }
}
