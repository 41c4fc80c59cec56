//! The models on this machine's disk.

use super::source::{movq_for, prepare};
use super::{EngineRoom, Make, ModelSource, appraisal, devices, fitting};
use crate::hub;
use crate::model::bundle::Bundle;
use crate::model::weights::import::{NO_MOVQ, import};
use crate::model::{discovery, memory};
use crate::session::Session;
use crate::task::{
    Appraisal, Cancel, Device, Failure, Fitting, Format, ImportStep, ImportWish, Known, Survey,
};
use std::path::{Path, PathBuf};

/// The real [`EngineRoom`].
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalModels;

impl EngineRoom for LocalModels {
    type Engine = Session;

    fn open(&self, source: &ModelSource) -> Result<Make<Session>, Failure> {
        prepare(source.device, source.threads)?;
        if let Some(path) = source.model.as_ref().filter(|path| !path.exists()) {
            return Err(Failure::usage(format!("there is no model at {}", path.display())));
        }
        let source = source.source();
        Ok(Box::new(move || {
            let bundle = Bundle::open(&source)?;
            let name = match &bundle.card.note {
                Some(note) => format!("{} ({note})", bundle.name),
                None => bundle.name.clone(),
            };
            Ok((name, Session::new(bundle)))
        }))
    }

    fn survey(&self, used: &[PathBuf], device: Device) -> Survey {
        let found = discovery::models(used, hub::cache_of_user().as_deref());
        let known = found.into_iter().map(|(path, origin)| Known {
            appraisal: self.appraise(&path, device),
            path,
            origin,
        });
        Survey {
            free_bytes: memory::free_bytes(),
            devices: devices::devices(),
            starter: appraisal::appraise(&ModelSource::found(None, device)).ok(),
            models: known.collect(),
        }
    }

    fn appraise(&self, model: &Path, device: Device) -> Result<Appraisal, Failure> {
        appraisal::appraise(&ModelSource::found(Some(model), device))
    }

    fn free_bytes(&self, device: Device) -> Option<u64> {
        devices::free_bytes(device)
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        let format = Format::default();
        let title = discovery::title(folder);
        let name = title.rsplit('/').next().unwrap_or(&title);
        ImportWish {
            folder: folder.to_owned(),
            movq: movq_for(folder),
            movq_config: None,
            format,
            output: discovery::shelf_for(folder).join(format!("{name}-{}.gguf", format.name())),
        }
    }

    fn fit(&self, wish: &ImportWish, device: Device) -> Result<Fitting, Failure> {
        fitting::fitting(wish, device)
    }

    fn measure_fit(&self, wish: &ImportWish, fitting: Fitting, cancel: &Cancel) -> Result<Fitting, Failure> {
        fitting::measured(wish, fitting, cancel)
    }

    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure> {
        if wish.movq.is_none() {
            return Err(Failure::usage(NO_MOVQ));
        }
        let summary = import(wish, step, cancel)?;
        Ok(summary.remarks())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Fault;

    fn starter() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter")
    }

    fn wish(folder: &Path) -> ImportWish {
        let mut wish = LocalModels.plan_import(&starter());
        assert_eq!(
            wish.movq,
            Some(starter().join("movqgan.ckpt")),
            "it is found by itself"
        );
        assert_eq!(
            wish.output.file_name().and_then(|name| name.to_str()),
            Some("starter-q4_k.gguf")
        );
        wish.output = folder.join("made.gguf");
        wish
    }

    #[test]
    fn a_folder_becomes_a_model_that_is_found_and_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, models) = (wish(folder.path()), LocalModels);
        let mut steps = Vec::new();
        let remarks = models.import(&wish, &Cancel::new(), &mut |step| steps.push(step));
        remarks.expect("a model");
        assert!(steps.len() > 100 && steps.windows(2).all(|two| two[0].done < two[1].done));
        assert!(
            steps
                .iter()
                .all(|step| step.done <= step.of && !step.name.is_empty())
        );
        let survey = models.survey(std::slice::from_ref(&wish.output), Device::Cpu);
        let made = survey
            .models
            .iter()
            .find(|known| known.path == wish.output)
            .expect("it is there");
        let appraisal = made.appraisal.as_ref().expect("headers");
        assert_eq!(appraisal.format, "q4_k");
        let starter = survey.starter.expect("the starter");
        assert!(appraisal.needs.weights < starter.needs.weights, "q8_0 is larger");
        let made = ModelSource::found(Some(&wish.output), Device::Cpu);
        let (name, _) = (models.open(&made).expect("a file"))().expect("a model");
        assert!(name.starts_with("made"));
        assert!(survey.free_bytes.is_some_and(|free| free > 1 << 20) || cfg!(not(target_os = "linux")));
    }

    #[test]
    fn a_cancelled_import_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, cancel) = (wish(folder.path()), Cancel::new());
        let ended = LocalModels.import(&wish, &cancel, &mut |step| {
            if step.done > step.of / 2 {
                cancel.cancel();
            }
        });
        assert!(ended.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        let without = ImportWish { movq: None, ..wish };
        let refused = LocalModels.import(&without, &Cancel::new(), &mut |_| {});
        assert!(refused.is_err_and(|failure| failure.fault == Fault::Usage));
    }
}
