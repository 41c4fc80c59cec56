//! How a `config.json` stretches rotary positions: as transformers reads it, in the spelling of
//! version 5 (`rope_parameters`) and in the older one (`rope_theta` and `rope_scaling`).

use serde_json::{Map, Value};

/// The base of the frequencies where nothing is said.
const THETA: f64 = 10_000.0;

/// What the table of positions is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Positions {
    /// Frequency i of a head of n numbers is `theta^(-2i/n) / stretch`.
    pub(crate) theta: f32,
    pub(crate) stretch: f32,
}

impl Default for Positions {
    fn default() -> Self {
        Self {
            theta: THETA as f32,
            stretch: 1.0,
        }
    }
}

/// A field that is there and says something.
pub(super) fn said<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<Option<f64>, String> {
    let Some(value) = said(fields, name) else {
        return Ok(None);
    };
    let number = value
        .as_f64()
        .filter(|number| number.is_finite() && *number > 0.0);
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(format!("`{name}` is {value}, no number above 0")),
    }
}

impl Positions {
    /// Of the fields of a `config.json`. An error names what is not understood.
    ///
    /// The rules are those of transformers 5: `rope_scaling` replaces `rope_parameters` unless it says
    /// nothing; `rope_type` counts before `type`; `rope_theta` counts inside before outside.
    pub(super) fn of(config: &Map<String, Value>) -> Result<Self, String> {
        let object = |name: &str| match said(config, name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some((name.to_owned(), fields)).filter(|_| !fields.is_empty())),
            Some(other) => Err(format!("`{name}` is {other}, which is not understood")),
        };
        let (scaling, parameters) = (object("rope_scaling")?, object("rope_parameters")?);
        let outside = number(config, "rope_theta")?;
        let Some((name, fields)) = scaling.or(parameters) else {
            return Self::new(outside, 1.0);
        };
        if let Some((inner, _)) = fields.iter().find(|(_, value)| value.is_object()) {
            return Err(format!(
                "`{name}` differs by layer (`{inner}`), which is not computed here"
            ));
        }
        let partial = number(fields, "partial_rotary_factor")?;
        if partial.is_some_and(|part| part != 1.0) {
            return Err(format!(
                "`partial_rotary_factor` in `{name}` is not computed here"
            ));
        }
        let theta = number(fields, "rope_theta")?.or(outside);
        let kind = match said(fields, "rope_type").or_else(|| said(fields, "type")) {
            None => "default",
            Some(Value::String(kind)) => kind,
            Some(other) => {
                return Err(format!(
                    "the type in `{name}` is {other}, which is not understood"
                ));
            }
        };
        let factor =
            || number(fields, "factor")?.ok_or_else(|| format!("`{name}` of type {kind} names no `factor`"));
        match kind {
            "default" => Self::new(theta, 1.0),
            "linear" => Self::new(theta, factor()?),
            // It changes nothing up to max_position, which is never exceeded here.
            "dynamic" => {
                factor()?;
                Self::new(theta, 1.0)
            }
            other => Err(format!("`{name}` of type `{other}` is not computed here")),
        }
    }

    fn new(theta: Option<f64>, stretch: f64) -> Result<Self, String> {
        let (theta, stretch) = (theta.unwrap_or(THETA) as f32, stretch as f32);
        let is_usable = |number: f32| number.is_finite() && number > 0.0;
        match is_usable(theta) && is_usable(stretch) {
            true => Ok(Self { theta, stretch }),
            false => Err("`rope_theta` or the factor beside it is beyond all bounds".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(config: &Value) -> Result<(f32, f32), String> {
        let fields = config.as_object().unwrap();
        Positions::of(fields).map(|positions| (positions.theta, positions.stretch))
    }

    /// What transformers 5.24 makes of each (`convert_rope_params_to_dict`, `standardize_rope_params`).
    #[test]
    fn every_spelling_means_what_it_means_to_transformers() {
        let plain = (10_000.0, 1.0);
        let cases = [
            (json!({}), plain),
            (json!({"rope_theta": 500_000.0}), (500_000.0, 1.0)),
            (
                json!({"rope_theta": null, "rope_scaling": null, "rope_parameters": null}),
                plain,
            ),
            (json!({"rope_theta": 5e5, "rope_scaling": {}}), (5e5, 1.0)),
            (json!({"rope_theta": 5e5, "rope_parameters": {}}), (5e5, 1.0)),
            (
                json!({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}),
                (5e5, 1.0),
            ),
            (
                json!({"rope_parameters": {"rope_theta": 5e5}, "rope_theta": 7.0}),
                (5e5, 1.0),
            ),
            (
                json!({"rope_parameters": {"rope_type": "default"}, "rope_theta": 5e5}),
                (5e5, 1.0),
            ),
            (
                json!({"rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 5e5}}),
                (5e5, 2.0),
            ),
            (json!({"rope_scaling": {"rope_type": "default"}}), plain),
            (
                json!({"rope_scaling": {"type": "linear", "factor": 4.0}}),
                (10_000.0, 4.0),
            ),
            (
                json!({"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 2.0}}),
                (10_000.0, 2.0),
            ),
            (
                json!({"rope_scaling": {"type": "linear", "rope_type": "default", "factor": 2.0}}),
                plain,
            ),
            (
                json!({"rope_scaling": {"type": "linear", "rope_type": null, "factor": 2.0}}),
                (10_000.0, 2.0),
            ),
            (json!({"rope_scaling": {"type": "dynamic", "factor": 2.0}}), plain),
            (json!({"rope_scaling": {"factor": 2.0}}), plain),
            // The older spelling replaces the newer one, its base too.
            (
                json!({"rope_scaling": {"type": "linear", "factor": 2.0},
                    "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}),
                (10_000.0, 2.0),
            ),
            (
                json!({"rope_scaling": {"type": "linear", "factor": 2.0, "rope_theta": 9e3}, "rope_theta": 7.0}),
                (9e3, 2.0),
            ),
        ];
        for (config, wanted) in cases {
            assert_eq!(of(&config), Ok(wanted), "{config}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_name() {
        let cases = [
            (
                json!({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}),
                "`yarn`",
            ),
            (
                json!({"rope_parameters": {"rope_type": "llama3", "factor": 2.0}}),
                "`llama3`",
            ),
            (json!({"rope_scaling": {"type": "linear"}}), "no `factor`"),
            (
                json!({"rope_scaling": {"type": "dynamic", "factor": "2"}}),
                "`factor`",
            ),
            (json!({"rope_scaling": {"type": 3}}), "`rope_scaling`"),
            (json!({"rope_scaling": "linear"}), "`rope_scaling`"),
            (json!({"rope_theta": 0}), "`rope_theta`"),
            (json!({"rope_theta": "10000"}), "`rope_theta`"),
            (json!({"rope_theta": 1e300}), "`rope_theta`"),
            (
                json!({"rope_parameters": {"partial_rotary_factor": 0.5}}),
                "`partial_rotary_factor`",
            ),
            (
                json!({"rope_parameters": {"full_attention": {"rope_theta": 1.0}}}),
                "`full_attention`",
            ),
        ];
        for (config, words) in cases {
            let why = of(&config).unwrap_err();
            assert!(why.contains(words), "{config}: {why}");
        }
    }
}
