//! What the canvas shader is told for one frame: the uniform block of `shaders/canvas.wgsl`.
//!
//! The two layouts are compared member by member in a test, and every shader is validated there.

use bytemuck::{Pod, Zeroable};
use egui::Color32;

pub(super) const CANVAS_WGSL: &str = include_str!("../../../shaders/canvas.wgsl");
pub(super) const MIP_WGSL: &str = include_str!("../../../shaders/mip.wgsl");

/// Bits of [`Look::flags`], named as in the shader.
pub(super) mod flag {
    pub(in crate::ui) const GRID: u32 = 1;
    pub(in crate::ui) const PREVIEW: u32 = 2;
    pub(in crate::ui) const GUESS_PIXELS: u32 = 4;
    pub(in crate::ui) const UNDER: u32 = 8;
    pub(in crate::ui) const OVER: u32 = 16;
    pub(in crate::ui) const MASK: u32 = 32;
    pub(in crate::ui) const LINEAR_TARGET: u32 = 64;
    pub(in crate::ui) const GROUND: u32 = 128;
    pub(in crate::ui) const HOLE: u32 = 256;
}

/// Lengths in physical pixels; what the members mean stands in the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Look {
    pub(super) origin: [f32; 2],
    pub(super) extent: [f32; 2],
    pub(super) grid: [f32; 2],
    pub(super) rows: [f32; 2],
    pub(super) frontier: f32,
    pub(super) fade: f32,
    pub(super) split: f32,
    pub(super) mask_opacity: f32,
    pub(super) guess_first: u32,
    pub(super) guess_count: u32,
    pub(super) flags: u32,
    pub(super) point: f32,
    pub(super) paper: [f32; 4],
    pub(super) line: [f32; 4],
    pub(super) accent: [f32; 4],
    pub(super) mask: [f32; 4],
    pub(super) checker_dark: [f32; 4],
    pub(super) checker_light: [f32; 4],
    pub(super) ground_part: [f32; 4],
    pub(super) drawing_part: [f32; 4],
}

/// Every place where it is: no offset, factor 1.
pub(super) const WHOLE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

/// A window colour as the shader wants it: gamma space, 0 to 1.
pub(super) fn colour(colour: Color32) -> [f32; 4] {
    colour.to_array().map(|channel| f32::from(channel) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::mem::{offset_of, size_of};

    fn checked(source: &str) -> naga::Module {
        let module =
            naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
        let flags = naga::valid::ValidationFlags::all();
        naga::valid::Validator::new(flags, naga::valid::Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
        module
    }

    #[test]
    fn every_shader_is_valid() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("a folder of shaders") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|kind| kind != "wgsl") {
                continue;
            }
            checked(&std::fs::read_to_string(&path).expect("a shader"));
            seen += 1;
        }
        assert!(seen >= 2);
        for (source, points) in [
            (CANVAS_WGSL, ["corner", "paint"]),
            (MIP_WGSL, ["corner", "halve"]),
        ] {
            let module = checked(source);
            let names: Vec<&str> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
            assert_eq!(names, points);
        }
    }

    /// Name, offset and length in bytes of every member of the shader's uniform block.
    fn shader_members(module: &naga::Module) -> (Vec<(String, usize, usize)>, usize) {
        let (_, uniform) = module
            .global_variables
            .iter()
            .find(|(_, variable)| variable.space == naga::AddressSpace::Uniform)
            .expect("a uniform block");
        let naga::TypeInner::Struct { members, span } = &module.types[uniform.ty].inner else {
            panic!("the uniform block is not a struct");
        };
        let members = members
            .iter()
            .map(|member| {
                let length = module.types[member.ty].inner.size(module.to_ctx()) as usize;
                (
                    member.name.clone().unwrap_or_default(),
                    member.offset as usize,
                    length,
                )
            })
            .collect();
        (members, *span as usize)
    }

    #[test]
    fn the_uniform_block_is_laid_out_as_the_shader_has_it() {
        macro_rules! members {
            ($($name:ident),* $(,)?) => {{
                // Fails to compile when a member is missing here.
                let Look { $($name),* } = Look::zeroed();
                vec![$((stringify!($name).to_owned(), offset_of!(Look, $name), size_of_val(&$name))),*]
            }};
        }
        let ours = members!(
            origin,
            extent,
            grid,
            rows,
            frontier,
            fade,
            split,
            mask_opacity,
            guess_first,
            guess_count,
            flags,
            point,
            paper,
            line,
            accent,
            mask,
            checker_dark,
            checker_light,
            ground_part,
            drawing_part,
        );
        let (theirs, span) = shader_members(&checked(CANVAS_WGSL));
        assert_eq!(ours, theirs);
        assert_eq!(size_of::<Look>(), span);
    }

    #[test]
    fn the_flags_are_the_shaders() {
        let module = checked(CANVAS_WGSL);
        let theirs: BTreeMap<String, u32> = module
            .constants
            .iter()
            .filter_map(|(_, constant)| {
                let naga::Expression::Literal(naga::Literal::U32(value)) =
                    module.global_expressions[constant.init]
                else {
                    return None;
                };
                Some((constant.name.clone()?, value))
            })
            .collect();
        let ours = [
            ("GRID", flag::GRID),
            ("PREVIEW", flag::PREVIEW),
            ("GUESS_PIXELS", flag::GUESS_PIXELS),
            ("UNDER", flag::UNDER),
            ("OVER", flag::OVER),
            ("MASK", flag::MASK),
            ("LINEAR_TARGET", flag::LINEAR_TARGET),
            ("GROUND", flag::GROUND),
            ("HOLE", flag::HOLE),
        ];
        let ours: BTreeMap<String, u32> = ours.map(|(name, bit)| (name.to_owned(), bit)).into();
        assert_eq!(ours, theirs);
    }
}
