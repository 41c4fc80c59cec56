//! Drawings over a picture: what stays is there to the pixel, and the hole fills.

use super::*;
use crate::picture::{Part, part_of};

const WHOLE: Part = Part {
    left: 0.0,
    top: 0.0,
    width: 1.0,
    height: 1.0,
};

/// A hole over the cells 4..8 of the rows 3..6.
fn hole() -> Mask {
    let size = GRID.pixels();
    let inside = |index: u32| {
        let (column, row) = (index % size.width / 8, index / size.width / 8);
        (4..8).contains(&column) && (3..6).contains(&row)
    };
    let values = (0..size.width * size.height).map(|index| if inside(index) { 255 } else { 0 });
    Mask::new(size, values.collect()).expect("a value for each")
}

fn source_at(source: &Pixels, x: u32, y: u32) -> [u8; 3] {
    let at = 3 * (y * source.size().width + x) as usize;
    [source.rgb()[at], source.rgb()[at + 1], source.rgb()[at + 2]]
}

#[test]
fn outside_the_hole_the_picture_stays_and_inside_the_rows_appear() {
    let mut stage = Stage::with_room();
    let mut canvas = Canvas::new();
    let source = noise(GRID.pixels(), 77);
    let mask = hole();
    let ground = GroundOf {
        pixels: &source,
        hole: Some(&mask),
        part: WHOLE,
    };
    canvas.begin_over(GRID, &ground);
    for row in 0..4 {
        canvas.row(row, &row_preview(row), &row_codes(row));
    }
    let shot = stage.shot(&mut canvas);
    for y in 0..STAGE.height {
        for x in 0..STAGE.width {
            let (column, row) = (x / (8 * ZOOM), y / (8 * ZOOM));
            let in_hole = (4..8).contains(&column) && (3..6).contains(&row);
            let seen = shot.at(x, y);
            if !in_hole {
                assert_eq!(seen, source_at(&source, x / ZOOM, y / ZOOM), "({x}, {y}) stays");
            }
        }
    }
    let middle = |column: u32, row: u32| (column * 8 * ZOOM + 18, row * 8 * ZOOM + 18);
    let (x, y) = middle(5, 3);
    assert_eq!(shot.at(x, y), source_at(&row_preview(3), x / ZOOM, y / ZOOM % 8));
    // Not drawn yet: a ghost of what was there.
    let (x, y) = middle(5, 5);
    let was = source_at(&source, x / ZOOM, y / ZOOM);
    let paper = tools().colours.panel.to_array();
    for channel in 0..3 {
        let ghost = f32::from(paper[channel]) * 0.7 + f32::from(was[channel]) * 0.3;
        assert!(
            (f32::from(shot.at(x, y)[channel]) - ghost).abs() <= 1.5,
            "{:?}",
            shot.at(x, y)
        );
    }
    // The edge of the hole is dashed in the accent's colour.
    let accent = tools().colours.accent.to_array();
    let edge = (4 * 8 * ZOOM..8 * 8 * ZOOM).filter(|x| shot.at(*x, 6 * 8 * ZOOM - 1) == accent[..3]);
    let edge = edge.count();
    assert!((40..128).contains(&edge), "{edge} of 128");
}

/// A wide photo, whose square middle is drawn: the cells lie where the finished picture has them.
#[test]
fn a_panel_of_another_shape_lies_where_it_is_cut_from() {
    let (photo, panel) = (Size::new(256, 96), Size::new(128, 96));
    let part = part_of(photo, panel);
    assert_eq!(
        (part.left, part.top, part.width, part.height),
        (0.25, 0.0, 0.5, 1.0)
    );
    let mut stage = Stage::new(Size::new(512, 192));
    let mut canvas = Canvas::new();
    let source = Pixels::filled(photo, [10, 20, 30]);
    let all = Mask::new(photo, vec![255; 256 * 96]).expect("a mask");
    let mut ground = GroundOf {
        pixels: &source,
        hole: Some(&all),
        part,
    };
    canvas.begin_over(GRID, &ground);
    for row in 0..GRID.rows {
        canvas.row(row, &Pixels::filled(Size::new(128, 8), [200; 3]), &row_codes(row));
    }
    assert_eq!(canvas.size(), Some(photo));
    let shot = stage.shot(&mut canvas);
    assert_eq!([120, 136].map(|x| shot.at(x, 100)), [[10, 20, 30], [200; 3]]);
    assert_eq!([376, 392].map(|x| shot.at(x, 100)), [[200; 3], [10, 20, 30]]);
    let told = stage.events(&mut canvas, vec![Event::PointerMoved(pos2(136.0, 4.0))]);
    let told = told.code.or_else(|| stage.events(&mut canvas, Vec::new()).code);
    assert_eq!(told, Some(0), "the first code is at the panel's corner");
    // Without a mask the drawing is all there is, over the part that it replaces.
    ground.hole = None;
    canvas.begin_over(GRID, &ground);
    assert_eq!(canvas.size(), Some(panel));
}

#[test]
fn the_finished_edit_takes_the_place_without_a_jump() {
    let mut stage = Stage::with_room();
    let mut canvas = Canvas::new();
    let source = noise(GRID.pixels(), 5);
    canvas.picture(&source);
    stage.shot(&mut canvas);
    canvas.actual_size();
    stage.shot(&mut canvas);
    let mask = hole();
    let ground = GroundOf {
        pixels: &source,
        hole: Some(&mask),
        part: WHOLE,
    };
    canvas.begin_over(GRID, &ground);
    let _ = stage.shot(&mut canvas);
    assert_eq!(canvas.zoom_percent(), 100.0);
    canvas.picture(&noise(GRID.pixels(), 6));
    let _ = stage.shot(&mut canvas);
    assert_eq!(
        (canvas.zoom_percent(), canvas.size()),
        (100.0, Some(GRID.pixels()))
    );
}
