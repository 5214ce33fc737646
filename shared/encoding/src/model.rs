//! How tables are packed: an adaptive binary model over an arithmetic coder. `proof/` packs by it and the library unpacks, by
//! the same code: who packs says each value, who unpacks says anything and is told.
//!
//! A character comes mostly soon after the one before it in the table: the next that no place before had, or a few further.
//! So a table is coded in differences, and each of their bits by how often it was which. After it, gzip has nothing to gain.
//! For arithmetic coding see Witten, Neal and Cleary, "Arithmetic coding for data compression", 1987.

/// One more than the last character that a table can have: the tables of Big5 reach into plane 2.
pub const CHARACTERS: usize = 0x3_0000;

/// Takes bits in, or gives them out.
pub trait Coder {
    /// Codes one bit. `bit` is not looked at by a coder that gives bits out.
    fn bit(&mut self, chance: &mut Chance, bit: u32) -> u32;
}

/// How likely a bit is 0, learned from those before.
#[derive(Clone, Copy)]
pub struct Chance {
    zero: i32,
    seen: i32,
}

impl Chance {
    const EVEN: Chance = Chance { zero: 1 << 15, seen: 0 };

    /// Where between `low` and `high` the numbers of a 0 end.
    pub fn split(self, low: u32, high: u32) -> u32 {
        low + ((u64::from(high - low) * u64::from(self.zero.unsigned_abs())) >> 16) as u32
    }

    /// The first bits teach most. A chance never gets to 0 or 1.
    pub fn learn(&mut self, bit: u32) {
        let goal = if bit == 0 { (1 << 16) - 32 } else { 32 };
        self.zero += (goal - self.zero) * 2 / (2 * self.seen + 3);
        self.seen = (self.seen + 1).min(62);
    }
}

/// What is known of a table from its places so far.
pub struct Model {
    used: Vec<bool>,
    before: u32,
    /// The last three steps, two bits each.
    steps: usize,
    step: [Chance; 64 * 4],
    forward: Distances,
    back: Distances,
}

/// How far it is to the next character: the number of bits, then the bits, of which the first two are not even.
struct Distances {
    bits: [Chance; 32],
    first: [Chance; 32 * 4],
}

const NEXT: u32 = 0;
const NOTHING: u32 = 1;
const FORWARD: u32 = 2;
const BACK: u32 = 3;

impl Model {
    /// Nothing is known.
    pub fn new() -> Model {
        let distances = || Distances { bits: [Chance::EVEN; 32], first: [Chance::EVEN; 32 * 4] };
        Model {
            used: vec![false; CHARACTERS + 1],
            before: 0,
            steps: 0,
            step: [Chance::EVEN; 64 * 4],
            forward: distances(),
            back: distances(),
        }
    }

    /// Codes the character of the next place, 0 where there is none.
    pub fn place(&mut self, coder: &mut impl Coder, character: u32) -> u32 {
        let before = self.before;
        let unused = self.used.iter().skip(before as usize + 1).position(|used| !used);
        let next = before + 1 + unused.unwrap_or(0) as u32;
        let step = match character {
            0 => NOTHING,
            _ if character == next => NEXT,
            _ if character > before => FORWARD,
            _ => BACK,
        };
        let chances = self.step.get_mut(self.steps * 4..).unwrap_or_default();
        let step = tree(coder, chances, 2, step);
        self.steps = (self.steps * 4 + step as usize) % 64;
        let character = match step {
            NOTHING => return 0,
            NEXT => next,
            FORWARD => before + 1 + self.forward.code(coder, character.saturating_sub(before + 1)),
            _ => before.saturating_sub(self.back.code(coder, before.saturating_sub(character))),
        };
        self.before = character.min(CHARACTERS as u32 - 1);
        if let Some(used) = self.used.get_mut(self.before as usize) {
            *used = true;
        }
        self.before
    }
}

impl Distances {
    fn code(&mut self, coder: &mut impl Coder, distance: u32) -> u32 {
        let number = distance + 1;
        let bits = tree(coder, &mut self.bits, 5, number.ilog2());
        let mut known = 1;
        for place in (0..bits).rev() {
            let mut even = Chance::EVEN;
            let learned = if known < 4 { self.first.get_mut((bits * 4 + known) as usize) } else { None };
            known = known << 1 | coder.bit(learned.unwrap_or(&mut even), number >> place & 1);
        }
        known - 1
    }
}

/// Codes a number of `bits` bits, each by the chance that those before it lead to.
fn tree(coder: &mut impl Coder, chances: &mut [Chance], bits: u32, number: u32) -> u32 {
    let mut known = 1;
    for place in (0..bits).rev() {
        let mut even = Chance::EVEN;
        let chance = chances.get_mut(known as usize).unwrap_or(&mut even);
        known = known << 1 | coder.bit(chance, number >> place & 1);
    }
    known - (1 << bits)
}

/// The places of a table in the order in which they are coded. The tables of 190 columns have an older set within them, in
/// an order of its own; what remains is in the order of Unicode, once it is known what the older set has.
pub fn order(places: usize, columns: usize) -> impl Iterator<Item = usize> {
    let is_older = move |place: &usize| columns == 190 && place / columns >= 32 && place % columns >= 96;
    (0..places).filter(is_older).chain((0..places).filter(move |place| !is_older(place)))
}
