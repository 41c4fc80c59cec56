//! Colour profiles: what samples of another space look like in sRGB, and back.

use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, MatrixCoefficients,
    ToneReprCurve, TransformExecutor, TransformOptions,
};
use std::sync::Arc;

/// Differences up to this, of 255, are rounding: such a profile is sRGB under another name.
const ROUNDING: u8 = 2;
/// One over 2.2, as PNG files tell it.
const USUAL_GAMMA: f32 = 0.454_55;
/// Pixels converted at a time.
const CHUNK: usize = 1 << 16;

/// The ICC profile of a picture whose samples are not sRGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    icc: Arc<[u8]>,
    space: Space,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Grey,
    Rgb,
    Cmyk,
}

impl Space {
    fn layout(self) -> Layout {
        match self {
            Self::Grey => Layout::Gray,
            Self::Rgb => Layout::Rgb,
            // As the library has it: four channels.
            Self::Cmyk => Layout::Rgba,
        }
    }

    fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

impl Profile {
    /// `None` for sRGB itself, and for what cannot be read or used: as if there were none.
    pub fn new(icc: &[u8]) -> Option<Self> {
        let space = match ColorProfile::new_from_slice(icc).ok()?.color_space {
            DataColorSpace::Gray => Space::Grey,
            DataColorSpace::Rgb => Space::Rgb,
            DataColorSpace::Cmyk => Space::Cmyk,
            _ => return None,
        };
        let profile = Self {
            icc: icc.into(),
            space,
        };
        let steps = || (0..=255).step_by(51);
        let cube: Vec<u8> = match space {
            Space::Grey => steps().collect(),
            Space::Rgb | Space::Cmyk => steps()
                .flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b])))
                .collect(),
        };
        let plain = match space {
            Space::Grey => cube.iter().flat_map(|grey| [*grey; 3]).collect(),
            Space::Rgb => cube.clone(),
            Space::Cmyk => return profile.to_srgb8(&[0, 0, 0, 0]).map(|_| profile),
        };
        let shown = profile.to_srgb8(&cube)?;
        let is_srgb = shown.iter().zip(&plain).all(|(a, b)| a.abs_diff(*b) <= ROUNDING);
        (!is_srgb).then_some(profile)
    }

    /// Of samples of which only a gamma and, perhaps, the primaries (white, red, green, blue) are told.
    pub fn of_gamma(gamma: f32, primaries: Option<[(f32, f32); 4]>) -> Option<Self> {
        if !(0.1..=10.0).contains(&gamma) {
            return None;
        }
        let mut profile = ColorProfile::new_srgb();
        profile.cicp = None;
        // The usual one is how many programs tell of the curve of sRGB.
        if (gamma - USUAL_GAMMA).abs() > 0.01 {
            let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
            for slot in [
                &mut profile.red_trc,
                &mut profile.green_trc,
                &mut profile.blue_trc,
            ] {
                *slot = Some(curve.clone());
            }
        }
        if let Some(primaries) = primaries {
            let [white, red, green, blue] = primaries.map(|(x, y)| Chromaticity::new(x, y));
            profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
        }
        Self::new(&profile.encode().ok()?)
    }

    /// Of samples whose space is told by the numbers of ITU-T H.273.
    pub fn of_code_points(primaries: u8, transfer: u8) -> Option<Self> {
        let code_points = CicpProfile {
            color_primaries: primaries.try_into().ok()?,
            transfer_characteristics: transfer.try_into().ok()?,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        };
        let mut profile = ColorProfile::new_srgb();
        if !profile.update_rgb_colorimetry_from_cicp(code_points) {
            return None;
        }
        Self::new(&profile.encode().ok()?)
    }

    pub fn icc(&self) -> &[u8] {
        &self.icc
    }

    pub fn is_of_grey(&self) -> bool {
        self.space == Space::Grey
    }

    pub fn is_of_rgb(&self) -> bool {
        self.space == Space::Rgb
    }

    pub fn is_of_cmyk(&self) -> bool {
        self.space == Space::Cmyk
    }

    fn profiles(&self) -> Option<(ColorProfile, ColorProfile)> {
        Some((
            ColorProfile::new_from_slice(&self.icc).ok()?,
            ColorProfile::new_srgb(),
        ))
    }

    /// RGB of samples in this space.
    pub fn to_srgb8(&self, samples: &[u8]) -> Option<Vec<u8>> {
        let (own, srgb) = self.profiles()?;
        let made = own.create_transform_8bit(self.space.layout(), &srgb, Layout::Rgb, options());
        convert(&*made.ok()?, samples, (self.space.channels(), 3))
    }

    pub fn to_srgb16(&self, samples: &[u16]) -> Option<Vec<u16>> {
        let (own, srgb) = self.profiles()?;
        let made = own.create_transform_16bit(self.space.layout(), &srgb, Layout::Rgb, options());
        convert(&*made.ok()?, samples, (self.space.channels(), 3))
    }

    /// Samples in this space of RGB.
    pub fn of_srgb8(&self, rgb: &[u8]) -> Option<Vec<u8>> {
        let (own, srgb) = self.profiles()?;
        let made = srgb.create_transform_8bit(Layout::Rgb, &own, self.space.layout(), options());
        convert(&*made.ok()?, rgb, (3, self.space.channels()))
    }

    pub fn of_srgb16(&self, rgb: &[u16]) -> Option<Vec<u16>> {
        let (own, srgb) = self.profiles()?;
        let made = srgb.create_transform_16bit(Layout::Rgb, &own, self.space.layout(), options());
        convert(&*made.ok()?, rgb, (3, self.space.channels()))
    }
}

fn options() -> TransformOptions {
    TransformOptions::default()
}

fn convert<T: Copy + Default>(
    transform: &dyn TransformExecutor<T>,
    samples: &[T],
    (from, to): (usize, usize),
) -> Option<Vec<T>> {
    let mut converted = vec![T::default(); samples.len() / from * to];
    let parts = samples.chunks(CHUNK * from).zip(converted.chunks_mut(CHUNK * to));
    for (samples, converted) in parts {
        transform.transform(samples, converted).ok()?;
    }
    Some(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_by_another_name_is_no_profile() {
        let icc = ColorProfile::new_srgb().encode().expect("a profile");
        assert_eq!(Profile::new(&icc), None);
        assert_eq!(Profile::new(b"no profile"), None);
        assert_eq!(Profile::of_gamma(0.454_55, None), None);
    }

    #[test]
    fn colours_come_back_from_a_wider_space() {
        let icc = ColorProfile::new_display_p3().encode().expect("a profile");
        let profile = Profile::new(&icc).expect("not sRGB");
        // Not near black, where a step of one space is many of the other.
        let rgb: Vec<u8> = (64..=192).flat_map(|v| [v, 255 - v, 90]).collect();
        let own = profile.of_srgb8(&rgb).expect("converted");
        assert_ne!(own, rgb);
        let back = profile.to_srgb8(&own).expect("converted");
        assert!(back.iter().zip(&rgb).all(|(a, b)| a.abs_diff(*b) <= 4));
    }

    #[test]
    fn a_gamma_that_is_told_is_heard() {
        let linear = Profile::of_gamma(1.0, None).expect("not sRGB");
        // Half the light is 188 in sRGB.
        let shown = linear.to_srgb8(&[128; 3]).expect("converted");
        assert!(shown.iter().all(|value| value.abs_diff(188) <= 2), "{shown:?}");
    }
}
