//! The judge of `benches/geneval.rs` judged: it draws what the recipe draws, passes the truth,
//! rejects what is wrong.

#[path = "../benches/geneval/mod.rs"]
#[allow(dead_code)]
mod geneval;

use geneval::corrupt::{Wrong, corrupted};
use geneval::finder::Finder;
use geneval::prompts::{self, Edition, Prompt};
use geneval::world::World;
use lumina_studio::pixels::Size;
use rayon::prelude::*;

fn some(step: usize) -> Vec<Prompt> {
    let all = prompts::read(Edition::Second).unwrap();
    all.into_iter().step_by(step).collect()
}

#[test]
fn tune() {
    let finder = Finder::new(World::new().unwrap());
    let step: usize = std::env::var("STEP").map_or(12, |s| s.parse().unwrap());
    let prompts: Vec<Prompt> = some(step).into_iter().filter(|p| p.task == "generate" && p.category != "x").collect();
    let side: u32 = std::env::var("SIDE").map_or(128, |s| s.parse().unwrap());
    let began = std::time::Instant::now();
    let bad: Vec<String> = prompts.par_iter().filter_map(|p| {
        let seen = finder.look(&finder.world.render(p.wanted(), Size::new(side, side)));
        let ok = finder.clauses(&p.clauses, &seen);
        (!ok.iter().all(|x| *x)).then(|| format!("{} | {} | {:?}\n   bg {} {:.2} {:?}", p.category, p.text, p.clauses, finder.world.backgrounds[seen.background].name, seen.explained,
          seen.finds.iter().map(|f| format!("{} {:?} ({:.2},{:.2}) {:.2} fit {:.2} pat {:.2}", finder.world.nouns[f.noun].name, f.tint, f.x, f.y, f.size, f.fit, f.pattern)).collect::<Vec<_>>()))
    }).collect();
    println!("{}", bad.join("\n"));
    println!("failed {} of {} in {:?}", bad.len(), prompts.len(), began.elapsed());
    for wrong in Wrong::ALL {
        let found: Vec<bool> = prompts.par_iter().filter_map(|p| {
            let scene = corrupted(&finder.world, p, wrong)?;
            let seen = finder.look(&finder.world.render(&scene, Size::new(side, side)));
            let passes = finder.clauses(&p.clauses, &seen).iter().all(|x| *x);
            if passes { println!("{} passes {} {:?}", wrong.name(), p.text, scene.objects); }
            Some(!passes)
        }).collect();
        println!("{}: rejected {} of {}", wrong.name(), found.iter().filter(|x| **x).count(), found.len());
    }
}
