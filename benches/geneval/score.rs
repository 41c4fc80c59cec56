//! Shares with their 95 % confidence intervals, and the tables they are told in.

use std::collections::BTreeMap;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share {
    pub hits: f64,
    pub all: f64,
}

impl Share {
    pub fn add(&mut self, value: f64) {
        self.hits += value;
        self.all += 1.0;
    }

    pub fn value(self) -> f64 {
        self.hits / self.all.max(1.0)
    }

    /// Wilson's interval at 95 %.
    pub fn interval(self) -> (f64, f64) {
        if self.all == 0.0 {
            return (0.0, 1.0);
        }
        let (n, p, z) = (self.all, self.value(), 1.959_964);
        let middle = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        (
            ((middle - reach) / whole).max(0.0),
            ((middle + reach) / whole).min(1.0),
        )
    }

    /// `96.7 % (88.6 to 99.1, n = 60)`.
    pub fn told(self) -> String {
        let (low, high) = self.interval();
        format!(
            "{:.1} % ({:.1} to {:.1}, n = {})",
            100.0 * self.value(),
            100.0 * low,
            100.0 * high,
            self.all
        )
    }
}

/// Shares and means by category.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    pub shares: BTreeMap<String, Share>,
    /// Sum and count.
    pub means: BTreeMap<String, (f64, usize)>,
}

/// The categories of plain pictures, in the order of the table.
pub const PICTURES: [&str; 9] = [
    "single",
    "two",
    "counting",
    "colour",
    "binding",
    "position",
    "size",
    "background",
    "long",
];

impl Scores {
    pub fn share(&mut self, name: &str, value: f64) {
        self.shares.entry(name.to_owned()).or_default().add(value);
    }

    pub fn mean(&mut self, name: &str, value: f64) {
        let entry = self.means.entry(name.to_owned()).or_default();
        *entry = (entry.0 + value, entry.1 + 1);
    }

    /// All pictures drawn from text alone.
    pub fn overall(&self) -> Share {
        let known = PICTURES.iter().filter_map(|name| self.shares.get(*name));
        known.fold(Share::default(), |sum, share| Share {
            hits: sum.hits + share.hits,
            all: sum.all + share.all,
        })
    }

    /// A table in Markdown.
    pub fn table(&self) -> String {
        let mut lines = vec![
            "| category | score (95 % interval) |".to_owned(),
            "|---|---|".to_owned(),
        ];
        let others = self
            .shares
            .keys()
            .map(String::as_str)
            .filter(|name| !PICTURES.contains(name));
        let order = PICTURES
            .into_iter()
            .filter(|name| self.shares.contains_key(*name));
        for name in order.chain(others) {
            lines.push(format!("| {name} | {} |", self.shares[name].told()));
        }
        if self.overall().all > 0.0 {
            lines.push(format!("| all from text | {} |", self.overall().told()));
        }
        for (name, (sum, count)) in &self.means {
            lines.push(format!(
                "| {name} | {:.3} (mean, n = {count}) |",
                sum / *count as f64
            ));
        }
        lines.join("\n")
    }
}
