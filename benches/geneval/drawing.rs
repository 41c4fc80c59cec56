//! Prompts drawn by a model, through the library as the window does it.

use super::prompts::Prompt;
use super::settings::Settings;
use super::world::{Scene, World};
use lumina_studio::model::bundle::{Bundle, Source};
use lumina_studio::pixels::{Pixels, Size};
use lumina_studio::session::Session;
use lumina_studio::task::{
    Cancel, Doubt, Engine, Fault, MapKind, Mode, Picture, Progress, Reading, Stop, Tally, Task, Wording,
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
    pub doubt: Doubt,
    /// The part of the rows that was drawn, 0 to 1, and the running score then, row by row.
    pub scores: Vec<(f64, f64)>,
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
            doubt: Doubt::default(),
            scores: Vec::new(),
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
        self.draw_by(prompt, world, settings, |task| {
            (task.seed, task.candidates) = (seed, settings.best_of.max(1));
        })
    }

    /// The task of a prompt, without its pictures.
    pub fn task(&self, prompt: &Prompt, settings: &Settings) -> Outcome<Task> {
        let mode = Self::mode(prompt)?;
        let own = self.session.model().card.default_size(mode.name());
        let mut task = Task::new(mode, prompt.text.clone());
        task.size = settings.size.or(own).or(Some(Size::new(256, 256)));
        if settings.as_typed {
            task.wording = Wording::AsTyped;
        }
        task.sampling = settings.sampling();
        Ok(task)
    }

    /// Every picture of a task.
    pub fn pictures(&mut self, task: &Task) -> Outcome<Vec<Picture>> {
        let pictures = self.session.run(task, &Cancel::new(), &mut |_| {});
        pictures.map_err(|stop| match stop {
            Stop::Failed(failure) => failure.message.into(),
            Stop::Cancelled(_) => "a task was cancelled".into(),
        })
    }

    /// Draws a prompt, `change`d before it is drawn.
    pub fn draw_by(
        &mut self,
        prompt: &Prompt,
        world: &World,
        settings: &Settings,
        change: impl FnOnce(&mut Task),
    ) -> Outcome<Drawn> {
        let mut task = self.task(prompt, settings)?;
        change(&mut task);
        let mode = task.mode.clone();
        let card = &self.session.model().card;
        let size = task.size.unwrap_or(Size::new(256, 256));
        let map = mode.map();
        let mut drawn = Drawn {
            picture: None,
            given: None,
            truth: None,
            trained: card.refusal(mode.name(), map.map(MapKind::name), size).is_none(),
            tally: Tally::default(),
            refused: None,
            reading: None,
            doubt: Doubt::default(),
            scores: Vec::new(),
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
        let mut rows = 1.0;
        drawn.scores.clear();
        let mut told = |progress| match progress {
            Progress::Started { reading, grid, .. } => {
                (drawn.reading, rows) = (reading, f64::from(grid.rows));
            }
            Progress::Row {
                candidate: 0,
                row,
                tally,
                ..
            } => {
                let score = tally.score().map(|score| (f64::from(row + 1) / rows, score));
                drawn.scores.extend(score);
            }
            _ => {}
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
        drawn.doubt = best.doubt;
        Ok(())
    }
}
