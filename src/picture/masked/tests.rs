//! Masks over pictures of every shape: what they allow is redrawn, and nothing else.

use super::*;
use crate::pixels::{Original, Profile, Samples};

const PANEL: Size = Size::new(192, 192);

/// 255 in a box of columns and rows.
fn boxed(size: Size, columns: Range<u32>, rows: Range<u32>) -> Mask {
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let inside = |(x, y)| {
        if columns.contains(&x) && rows.contains(&y) {
            255
        } else {
            0
        }
    };
    Mask::new(size, pixels.map(inside).collect()).unwrap()
}

fn changed(before: &Pixels, after: &Pixels) -> Vec<usize> {
    let pairs = before.rgb().chunks_exact(3).zip(after.rgb().chunks_exact(3));
    let differ = pairs.enumerate().filter(|(_, (a, b))| a != b);
    differ.map(|(index, _)| index).collect()
}

#[test]
fn a_mask_touches_the_cells_below_it_and_changes_nothing_else() {
    let source = Pixels::filled(Size::new(64, 64), [10, 20, 30]);
    let mask = boxed(source.size(), 40..41, 17..18);
    let grid = Grid { rows: 8, columns: 8 };
    let touched = mask_codes(&mask, source.size(), grid);
    assert_eq!(touched.iter().filter(|t| **t).count(), 1);
    assert!(touched[grid.index(2, 5)]);
    let drawn = Pixels::filled(Size::new(64, 64), [200; 3]);
    let result = compose(&source, &mask, &drawn, 0);
    assert_eq!(changed(&source, &result), [17 * 64 + 40]);
}

#[test]
fn all_of_a_mask_is_redrawn_wherever_it_lies() {
    let grid = Grid::of(PANEL).unwrap();
    let drawn = Pixels::filled(PANEL, [200; 3]);
    for (size, columns, rows) in [
        (Size::new(1920, 1080), 0..100, 0..120),
        (Size::new(1920, 1080), 1910..1920, 1000..1080),
        (Size::new(1920, 1080), 0..1920, 500..510),
        (Size::new(200, 600), 0..200, 0..60),
        (Size::new(200, 600), 0..200, 0..600),
        (Size::new(400, 300), 0..400, 0..30),
        (Size::new(2000, 20), 1990..2000, 0..20),
        (Size::new(191, 193), 190..191, 192..193),
        (Size::new(3, 1000), 0..3, 999..1000),
    ] {
        let source = Pixels::filled(size, [10, 20, 30]);
        let mask = boxed(size, columns.clone(), rows.clone());
        let result = compose(&source, &mask, &drawn, 0);
        let allowed = Allowed::of(&mask, size);
        let expected = allowed.each().map(|(index, ..)| index);
        assert!(
            changed(&source, &result).into_iter().eq(expected),
            "{size} {columns:?} {rows:?}"
        );
        let touched = mask_codes(&mask, size, grid);
        assert!(touched.contains(&true), "{size} {columns:?} {rows:?}");
        assert_eq!(fit_masked(&source, &mask, PANEL).size(), PANEL);
    }
}

/// The panel drawn exactly as it was given puts the picture back as it was: fitting and composing
/// speak of the same place.
#[test]
fn a_panel_goes_back_where_it_came_from() {
    for (size, columns, rows) in [
        (Size::new(640, 480), 0..60, 100..160),
        (Size::new(640, 480), 300..360, 100..160),
        (Size::new(640, 480), 0..640, 200..260),
        (Size::new(180, 540), 20..150, 470..540),
    ] {
        let rgb = (0..size.height).flat_map(|y| {
            (0..size.width)
                .flat_map(move |x| [(x * 255 / size.width) as u8, (y * 255 / size.height) as u8, 90])
        });
        let source = Pixels::new(size, rgb.collect()).unwrap();
        let mask = boxed(size, columns.clone(), rows.clone());
        let result = compose(&source, &mask, &fit_masked(&source, &mask, PANEL), 0);
        let pairs = source.rgb().iter().zip(result.rgb());
        let off = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(off <= 3, "{size} {columns:?} {rows:?}: {off}");
    }
}

#[test]
fn the_middle_is_taken_where_it_holds_the_mask() {
    let size = Size::new(1920, 1080);
    let framing = |columns, rows| Framing::of(&Allowed::of(&boxed(size, columns, rows), size), PANEL);
    let middle = Framing::Cut { corner: (0, 0), size };
    assert_eq!(framing(900..1000, 0..1080), middle);
    assert_eq!(framing(424..1490, 0..9), middle);
    let Framing::Cut { corner, size: cut } = framing(0..100, 0..100) else {
        panic!("a part of the picture");
    };
    assert_eq!((corner, cut), ((0, 0), Size::new(1080, 1080)));
    assert_eq!(framing(0..1200, 0..100), Framing::Whole);
}

#[test]
fn the_part_is_told_as_it_is_taken() {
    let size = Size::new(600, 200);
    let part = |columns| part_under_mask(size, &boxed(size, columns, 0..200), PANEL);
    let right = part(500..600);
    assert_eq!((right.left, right.top, right.height), (2.0 / 3.0, 0.0, 1.0));
    let whole = part(0..600);
    assert_eq!(
        (whole.left, whole.width, whole.top, whole.height),
        (0.0, 1.0, -1.0, 3.0)
    );
    assert_eq!(part(250..300), crate::picture::part_of(size, PANEL));
}

#[test]
fn an_earlier_mask_is_what_was_redrawn_then() {
    let size = Size::new(400, 200);
    let mask = within_middle(&boxed(size, 0..150, 0..50), size, PANEL);
    assert_eq!(mask, boxed(size, 100..150, 0..50));
}

#[test]
fn samples_outside_a_mask_stay_in_their_own_depth_and_space() {
    let size = Size::new(8, 2);
    let mask = boxed(size, 0..3, 0..2);
    let drawn = Pixels::filled(PANEL, [200, 40, 90]);
    let icc = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    let profile = Profile::new(&icc);
    assert!(profile.is_some());
    let rgb8 = |n: usize| (0..n).map(|v| (v * 37 % 256) as u8).collect();
    let rgb16 = |n: usize| (0..n).map(|v| (v * 4_099 % 65_536) as u16).collect();
    for samples in [
        Samples::Rgb8(rgb8(48)),
        Samples::Rgba8(rgb8(64)),
        Samples::Rgb16(rgb16(48)),
        Samples::Rgba16(rgb16(64)),
    ] {
        let original = Original {
            samples,
            profile: profile.clone(),
        };
        let source = Pixels::of(size, original.clone()).unwrap();
        let result = compose(&source, &mask, &drawn, 0);
        let after = result.original().expect("still its own");
        assert!(after.profile == profile);
        let outside = |index: usize| index % 8 >= 3;
        let same = |a: &[u16], b: &[u16], channels: usize| {
            let pairs = a.chunks_exact(channels).zip(b.chunks_exact(channels)).enumerate();
            pairs.for_each(|(index, (a, b))| assert_eq!(a == b, outside(index), "pixel {index}"));
        };
        let wide = |values: &[u8]| values.iter().copied().map(u16::from).collect::<Vec<u16>>();
        match (&original.samples, &after.samples) {
            (Samples::Rgb8(a), Samples::Rgb8(b)) => same(&wide(a), &wide(b), 3),
            (Samples::Rgba8(a), Samples::Rgba8(b)) => same(&wide(a), &wide(b), 4),
            (Samples::Rgb16(a), Samples::Rgb16(b)) => same(a, b, 3),
            (Samples::Rgba16(a), Samples::Rgba16(b)) => same(a, b, 4),
            _ => panic!("another kind of samples"),
        }
        // What is drawn is seen as it was drawn.
        assert!(
            result.rgb()[..3]
                .iter()
                .zip([200, 40, 90])
                .all(|(a, b)| a.abs_diff(b) <= 4)
        );
    }
}
