//! What one request has found out so far.

use crate::sorted::Sorted;

/// Answers by number, two bits each. Grows with the answers given, not with the questions there are: pages of 256
/// come into being when something on them is answered.
#[derive(Default)]
pub(super) struct Memo {
    /// Where in `answers` each page lies.
    pages: Sorted<u32, usize>,
    answers: Vec<[u8; PAGE / 4]>,
    /// The page of the last question, and where it lies: mostly the next question is on the same.
    recent: Option<(u32, usize)>,
}

const PAGE: usize = 256;

impl Memo {
    pub(super) fn get(&mut self, number: u32) -> Option<bool> {
        let (page, byte, shift) = place(number);
        let at = self.find(page)?;
        let bits = self.answers.get(at)?.get(byte)? >> shift;
        if bits & 1 == 0 { None } else { Some(bits & 2 != 0) }
    }

    pub(super) fn set(&mut self, number: u32, answer: bool) {
        let (page, byte, shift) = place(number);
        let at = self.find(page).unwrap_or_else(|| {
            self.answers.push([0; PAGE / 4]);
            let at = self.answers.len() - 1;
            self.pages.insert(page, at);
            at
        });
        if let Some(byte) = self.answers.get_mut(at).and_then(|page| page.get_mut(byte)) {
            *byte |= (1 | u8::from(answer) << 1) << shift;
        }
    }

    fn find(&mut self, page: u32) -> Option<usize> {
        if let Some((recent, at)) = self.recent
            && recent == page
        {
            return Some(at);
        }
        let at = self.pages.get(page)?;
        self.recent = Some((page, at));
        Some(at)
    }
}

fn place(number: u32) -> (u32, usize, u32) {
    let on_page = number as usize % PAGE;
    (number / PAGE as u32, on_page / 4, (on_page % 4) as u32 * 2)
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn an_answer_stays_and_touches_no_other() {
        let mut memo = Memo::default();
        let numbers = [0, 1, 2, 3, 4, 255, 256, 99_999, u32::MAX];
        for (index, number) in numbers.into_iter().enumerate() {
            assert_eq!(memo.get(number), None);
            memo.set(number, index % 2 == 0);
        }
        for (index, number) in numbers.into_iter().enumerate() {
            assert_eq!(memo.get(number), Some(index % 2 == 0), "{number}");
        }
        assert_eq!(memo.get(5), None);
    }
}
